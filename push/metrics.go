package push

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pushgate/push/wire"
	"pushgate/store"
)

// Metrics are the engine's counters, in Prometheus form. They are resolved once,
// so counting costs an atomic addition.
type Metrics struct {
	connections    *tally
	connects       prometheus.Counter
	ends           *prometheus.CounterVec
	throttled      prometheus.Counter
	requests       map[string]prometheus.Observer // by type
	slowRequests   *prometheus.CounterVec
	subscriptions  *tally
	activeChannels *tally

	publishes        *prometheus.CounterVec
	stored           *tally
	deliveredLive    *tally
	deliveredBacklog *tally
	acks             *tally
	gaps, gapped     *prometheus.CounterVec
	removed          *prometheus.CounterVec
	latency          prometheus.Histogram

	batches    prometheus.Histogram
	operations *prometheus.HistogramVec
	failures   *prometheus.CounterVec

	// What the vectors above count, for Stats.
	duplicates, ephemeral, failed, gapFrames tally
}

func newMetrics(registry prometheus.Registerer) *Metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		registry.MustRegister(c)
		return c
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		registry.MustRegister(c)
		return c
	}
	tallied := func(name, help string, labels prometheus.Labels) *tally {
		t := &tally{}
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}, t.value))
		return t
	}
	gauge := func(name, help string) *tally {
		t := &tally{}
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, t.value))
		return t
	}
	m := &Metrics{
		connections:    gauge("pushgate_connections", "Connections that are open."),
		connects:       counter("pushgate_connects_total", "Connections that were opened."),
		ends:           counters("pushgate_connection_ends_total", "Connections that ended, by close code (0: the client was not told) and cause.", "code", "cause"),
		throttled:      counter("pushgate_throttled_client_frames_total", "Frames of clients that had to wait because the client was above its rate."),
		slowRequests:   counters("pushgate_slow_client_requests_total", "Requests of clients that took longer than limits.slow-request, by type.", "type"),
		subscriptions:  gauge("pushgate_subscriptions", "Subscriptions that are open on connections."),
		activeChannels: gauge("pushgate_active_channels", "Channels with at least one open subscription."),

		publishes: counters("pushgate_publishes_total", "Publishes, by result: stored, duplicate, ephemeral or the error's code.", "result"),
		acks:      tallied("pushgate_acks_total", "Acks that moved a cursor.", nil),
		gaps:      counters("pushgate_gaps_total", "Gap frames, by reason.", "reason"),
		gapped:    counters("pushgate_gap_messages_total", "Messages that gap frames stood for, by reason.", "reason"),
		removed:   counters("pushgate_removed_messages_total", "Messages that retention removed from the store, by reason.", "reason"),
		stored:    tallied("pushgate_stored_messages_total", "Messages that were committed to the store.", nil),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "pushgate_delivery_seconds",
			Help:    "From a publish's arrival to the hand-over to a live connection's writer; the oldest message of each write is measured.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 13),
		}),
		batches: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "pushgate_store_batch_messages", Help: "Messages of one commit.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}),
		operations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "pushgate_store_seconds", Help: "Time of calls to the store, by operation.",
			Buckets: prometheus.ExponentialBuckets(0.0002, 2.5, 13),
		}, []string{"operation"}),
		failures: counters("pushgate_store_failures_total", "Calls to the store that failed, by operation.", "operation"),
	}
	delivered := func(source string) *tally {
		return tallied("pushgate_delivered_messages_total",
			"Messages put into connections' outboxes, by where they came from: live (straight from the publish) or backlog.",
			prometheus.Labels{"source": source})
	}
	m.deliveredLive, m.deliveredBacklog = delivered("live"), delivered("backlog")
	requests := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "pushgate_client_request_seconds", Help: "Time of work on clients' requests, by type.",
		Buckets: prometheus.ExponentialBuckets(0.0001, 4, 9),
	}, []string{"type"})
	m.requests = make(map[string]prometheus.Observer)
	for _, kind := range append(wire.RequestTypes, otherRequest) {
		m.requests[kind] = requests.WithLabelValues(kind)
	}
	registry.MustRegister(m.latency, m.batches, m.operations, requests)
	return m
}

// watchEngine adds the values that are looked up when they are asked for.
func (m *Metrics) watchEngine(registry prometheus.Registerer, e *Engine) {
	for _, g := range []struct {
		name, help string
		value      func() float64
	}{
		{"pushgate_ingest_queue_messages", "Messages that wait for their commit.", func() float64 {
			messages, _ := e.appender.queued()
			return float64(messages)
		}},
		{"pushgate_ingest_queue_bytes", "Payload bytes that wait for their commit.", func() float64 {
			_, bytes := e.appender.queued()
			return float64(bytes)
		}},
		{"pushgate_unwritten_acks", "Cursors that are to be written to the store.", func() float64 { return float64(e.cursors.pending()) }},
		{"pushgate_backlog_queue", "Subscriptions that wait to be fed from the ring or the store.", func() float64 { return float64(e.backlog.length()) }},
		{"pushgate_pending_messages", "Messages that open durable subscriptions have not acked.", func() float64 { return float64(e.hub.pending()) }},
		{"pushgate_outbox_bytes", "Memory that queued frames take, in steps of 4 KiB per connection; what connections share is counted once.", func() float64 {
			return float64(e.hub.outboxes.held.Load())
		}},
		{"pushgate_ring_bytes", "Bytes of recent messages kept in memory.", func() float64 { return float64(e.hub.ringBytes.Load()) }},
		{"pushgate_store_up", "1 while the store can be used.", func() float64 {
			if e.health.serving() {
				return 1
			}
			return 0
		}},
	} {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help}, g.value))
	}
	for state, name := range stateNames {
		labels := prometheus.Labels{"state": name}
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "pushgate_connection_transitions_total", Help: "Transitions of connections into a state.", ConstLabels: labels,
		}, func() float64 { return float64(e.hub.population.entered[state].Load()) }))
		if State(state) == Closed {
			continue
		}
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "pushgate_connections_in_state", Help: "Connections that are in a state now.", ConstLabels: labels,
		}, func() float64 { return float64(e.hub.population.now[state].Load()) }))
	}
}

// otherRequest stands for types that there are not.
const otherRequest = "other"

func (m *Metrics) gap(reason wire.GapReason, messages uint64) {
	m.gapFrames.Inc()
	m.gaps.WithLabelValues(string(reason)).Inc()
	m.gapped.WithLabelValues(string(reason)).Add(float64(messages))
}

func (m *Metrics) call(operation string, took time.Duration, err error) {
	m.operations.WithLabelValues(operation).Observe(took.Seconds())
	if err != nil {
		m.failures.WithLabelValues(operation).Inc()
	}
}

func (m *Metrics) batch(messages int, took time.Duration, err error) {
	m.batches.Observe(float64(messages))
	m.call("append", took, err)
}

// published counts the outcome of one publish.
func (m *Metrics) published(result string) {
	m.publishes.WithLabelValues(result).Inc()
	switch result {
	case resultStored:
		m.stored.Inc()
	case resultDuplicate:
		m.duplicates.Inc()
	case resultEphemeral:
		m.ephemeral.Inc()
	default:
		m.failed.Inc()
	}
}

// What becomes of a publish, if it is not an error.
const (
	resultStored    = "stored"
	resultDuplicate = "duplicate"
	resultEphemeral = "ephemeral"
)

// appended counts the outcome of one stored publish.
func (m *Metrics) appended(r store.Appended, err error) {
	switch {
	case err != nil:
		m.published(string(AsError(err).Code))
	case r.Duplicate:
		m.published(resultDuplicate)
	default:
		m.published(resultStored)
	}
}
