package authorizer

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	answers *prometheus.CounterVec
	seconds *prometheus.HistogramVec
}

// The names of the calls.
const (
	connectCall   = "connect"
	subscribeCall = "subscribe"
)

// What becomes of a question.
const (
	allowed = "allowed"
	denied  = "denied"
	failed  = "failed"
)

func newMetrics(registry prometheus.Registerer) metrics {
	m := metrics{
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pushgate_authorizer_answers_total", Help: "Questions to the authorizer, one for each connection or subscription, by their answers; cached: it was not asked.",
		}, []string{"call", "result", "cached"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "pushgate_authorizer_request_seconds", Help: "Time of calls to the authorizer.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 12),
		}, []string{"call", "result"}),
	}
	registry.MustRegister(m.answers, m.seconds)
	return m
}

func (m metrics) took(call string, time time.Duration, err error) {
	result := "answered"
	if err != nil {
		result = failed
	}
	m.seconds.WithLabelValues(call, result).Observe(time.Seconds())
}

func (m metrics) count(call, result string, cached bool) {
	word := "no"
	if cached {
		word = "yes"
	}
	m.answers.WithLabelValues(call, result, word).Inc()
}
