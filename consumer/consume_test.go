package consumer

import (
	"fmt"
	"testing"

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
	c.Stop()
	if got := value(t, cfg, "pushgate_kafka_messages_total", "source", "test"); got != 3000 {
		t.Errorf("counted %v messages", got)
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
