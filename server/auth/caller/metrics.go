package caller

import "github.com/prometheus/client_golang/prometheus"

// metrics count by callers, whose names are the configuration's: tokens are one for
// all.
type metrics struct {
	calls     *prometheus.CounterVec
	publishes *prometheus.CounterVec
	refused   *prometheus.CounterVec
}

// tokenCaller is the name in the metrics of all who call by tokens.
const tokenCaller = "(token)"

func newMetrics(registry prometheus.Registerer) *metrics {
	m := &metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pushgate_caller_calls_total", Help: "gRPC calls that began, by the caller of the configuration that made them.",
		}, []string{"caller"}),
		publishes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pushgate_caller_publishes_total", Help: "Messages that callers published, by what its rights and rates said: taken, denied or limited.",
		}, []string{"caller", "result"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pushgate_caller_refusals_total", Help: "gRPC calls that were refused because of who makes them, by reason.",
		}, []string{"reason"}),
	}
	for _, reason := range reasons {
		m.refused.WithLabelValues(string(reason))
	}
	registry.MustRegister(m.calls, m.publishes, m.refused)
	return m
}

// counters are those of one caller.
type counters struct{ calls, taken, denied, limited prometheus.Counter }

func (m *metrics) of(caller string) counters {
	return counters{
		calls: m.calls.WithLabelValues(caller), taken: m.publishes.WithLabelValues(caller, "taken"),
		denied: m.publishes.WithLabelValues(caller, "denied"), limited: m.publishes.WithLabelValues(caller, "limited"),
	}
}

func (m *metrics) forget(caller string) {
	m.calls.DeleteLabelValues(caller)
	m.publishes.DeletePartialMatch(prometheus.Labels{"caller": caller})
}
