package consumer

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what a Consumer counts.
type metrics struct {
	records, bytes, messages, tombstones, replayed *prometheus.CounterVec // by source
	deadLetters, skipped                           *prometheus.CounterVec // by source and reason
	missing                                        *prometheus.CounterVec // by topic
	rebalances                                     prometheus.Counter
	failures                                       *prometheus.CounterVec // by what failed
	progress                                       prometheus.Gauge
	storing                                        prometheus.Histogram
}

func newMetrics(registry prometheus.Registerer) *metrics {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		registry.MustRegister(c)
		return c
	}
	m := &metrics{
		records:     counters("pushgate_kafka_records_total", "Records that were dealt with, whatever became of them.", "source"),
		bytes:       counters("pushgate_kafka_bytes_total", "Bytes of keys, values and headers of these records.", "source"),
		messages:    counters("pushgate_kafka_messages_total", "Messages that records became.", "source"),
		tombstones:  counters("pushgate_kafka_tombstones_total", "Records without a value, which become no message.", "source"),
		replayed:    counters("pushgate_kafka_replayed_records_total", "Records that were read again and found in the store.", "source"),
		deadLetters: counters("pushgate_kafka_dead_letters_total", "Records that went to the dead-letter topic, by reason.", "source", "reason"),
		skipped:     counters("pushgate_kafka_skipped_records_total", "Bad records that were skipped, by reason.", "source", "reason"),
		missing:     counters("pushgate_kafka_missing_records_total", "Offsets that Kafka had deleted before they were read.", "topic"),
		failures:    counters("pushgate_kafka_failures_total", "What failed and is tried again, by operation: group, metadata, read, store, dead_letter, commit, lag.", "operation"),
		rebalances:  prometheus.NewCounter(prometheus.CounterOpts{Name: "pushgate_kafka_rebalances_total", Help: "Generations of the group that this node was a member of."}),
		progress:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "pushgate_kafka_last_progress_timestamp_seconds", Help: "When a position was last stored; 0: not yet."}),
		storing: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "pushgate_kafka_store_seconds", Help: "Time to store a batch of records.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 12),
		}),
	}
	registry.MustRegister(m.rebalances, m.progress, m.storing)
	return m
}

// done counts a batch that is stored.
func (m *metrics) done(source string, b *batch, took time.Duration) {
	m.records.WithLabelValues(source).Add(float64(b.records))
	m.bytes.WithLabelValues(source).Add(float64(b.bytes))
	m.messages.WithLabelValues(source).Add(float64(len(b.messages)))
	m.tombstones.WithLabelValues(source).Add(float64(b.tombstones))
	m.storing.Observe(took.Seconds())
	m.progress.SetToCurrentTime()
}

// partitionCollector tells about the partitions that are assigned when it is
// asked, so nothing of a partition that went elsewhere is left behind.
type partitionCollector struct {
	assigned *assigned
	after    time.Duration
}

var (
	lagDesc = prometheus.NewDesc("pushgate_kafka_lag_records",
		"Offsets between the end of a partition's log and the position in the store.", []string{"topic", "partition"}, nil)
	assignedDesc = prometheus.NewDesc("pushgate_kafka_assigned_partitions",
		"Partitions that this node reads.", nil, nil)
	stuckDesc = prometheus.NewDesc("pushgate_kafka_stuck_partitions",
		"Partitions that have something to do and do not get on; /readyz says why.", nil, nil)
)

// Describe is part of prometheus.Collector.
func (c partitionCollector) Describe(out chan<- *prometheus.Desc) {
	out <- lagDesc
	out <- assignedDesc
	out <- stuckDesc
}

// Collect is part of prometheus.Collector.
func (c partitionCollector) Collect(out chan<- prometheus.Metric) {
	partitions, stuck, now := c.assigned.all(), 0, time.Now()
	for _, p := range partitions {
		if lag, known := p.lag(); known {
			out <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, float64(lag), p.Topic, strconv.Itoa(p.ID))
		}
		if p.stuck(c.after, now) != "" {
			stuck++
		}
	}
	out <- prometheus.MustNewConstMetric(assignedDesc, prometheus.GaugeValue, float64(len(partitions)))
	out <- prometheus.MustNewConstMetric(stuckDesc, prometheus.GaugeValue, float64(stuck))
}
