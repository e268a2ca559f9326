package token

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are of what keeps keys up to date, by the file or the server that they are from.
type metrics struct {
	failures *prometheus.CounterVec
	read     *prometheus.GaugeVec
}

func newMetrics(registry prometheus.Registerer) metrics {
	m := metrics{
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pushgate_token_key_failures_total", Help: "Times that the keys of a file could not be read, or those of a server not be fetched.",
		}, []string{"source"}),
		read: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "pushgate_token_keys_read_timestamp_seconds", Help: "When the keys of a file were read, or those of a server fetched, for the last time.",
		}, []string{"source"}),
	}
	cmp.Or[prometheus.Registerer](registry, prometheus.NewRegistry()).MustRegister(m.failures, m.read)
	return m
}

// source is one file or server.
type source struct {
	failures prometheus.Counter
	last     prometheus.Gauge
}

func (m metrics) of(name string) source {
	return source{failures: m.failures.WithLabelValues(name), last: m.read.WithLabelValues(name)}
}

// note counts how reading ended.
func (s source) note(err error) {
	if err != nil {
		s.failures.Inc()
		return
	}
	s.last.Set(float64(time.Now().UnixMilli()) / 1e3)
}
