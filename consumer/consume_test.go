package consumer

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestOrderOfEachPartition(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic := f.topic(3)
	for p := range 3 {
		f.numbered(topic, p, 0, 500)
	}
	cfg := f.config(sourceOf(topic))
	c := run(t, m, cfg)
	for p := range 3 {
		m.waitCount(t, fmt.Sprintf("p%d", p), 500)
		f.numbered(topic, p, 500, 1000)
	}
	for p := range 3 {
		m.waitCount(t, fmt.Sprintf("p%d", p), 1000)
		m.wantNumbers(t, fmt.Sprintf("p%d", p), 0, 1000)
	}
	assigned, rebalances := value(t, cfg, "pushgate_kafka_assigned_partitions"), value(t, cfg, "pushgate_kafka_rebalances_total")
	if assigned != 3 || rebalances < 1 {
		t.Errorf("%v partitions are assigned after %v rebalances", assigned, rebalances)
	}
	c.Stop()
	// Keys are p0 to p2, values 0 to 999.
	const bytes = 3 * (1000*2 + 10 + 90*2 + 900*3)
	for name, want := range map[string]float64{
		"pushgate_kafka_records_total": 3000, "pushgate_kafka_messages_total": 3000, "pushgate_kafka_bytes_total": bytes,
		"pushgate_kafka_store_seconds": float64(m.batches), "pushgate_kafka_assigned_partitions": 0,
	} {
		if got := value(t, cfg, name); got != want {
			t.Errorf("%s is %v, not %v", name, got, want)
		}
	}
	if got := time.Unix(int64(value(t, cfg, "pushgate_kafka_last_progress_timestamp_seconds")), 0); time.Since(got) > patience {
		t.Errorf("the last progress was at %s", got)
	}
}

func TestCodecs(t *testing.T) {
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		t.Run(name, func(t *testing.T) {
			f, m := newFixture(t), newMemory()
			topic := f.topic(1)
			f.client = f.newClient(kgo.ProducerBatchCompression(codec))
			f.numbered(topic, 0, 0, 2000)
			run(t, m, f.config(sourceOf(topic)))
			m.waitCount(t, "p0", 2000)
			m.wantNumbers(t, "p0", 0, 2000)
		})
	}
}

func TestTombstonesAreCounted(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic := f.topic(1)
	f.produce(record(topic, 0, "a", "1"), &kgo.Record{Topic: topic, Key: []byte("a")}, record(topic, 0, "a", "2"))
	cfg := f.config(sourceOf(topic))
	c := run(t, m, cfg)
	m.waitPosition(t, topic, 0, 3)
	m.wantNumbers(t, "a", 1, 3)
	c.Stop()
	if got := value(t, cfg, "pushgate_kafka_tombstones_total"); got != 1 {
		t.Errorf("counted %v tombstones", got)
	}
}
