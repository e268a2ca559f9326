package consumer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"pushgate/store"
)

// poisoned is a topic whose records 0, 2 and 5 of 6 are bad, each in another way.
func (f *fixture) poisoned() (topic string, cfg Config) {
	topic = f.topic(1)
	f.produce(
		record(topic, 0, "", "0", "color", "red"), // no key: no channel
		record(topic, 0, "a", "1"),
		record(topic, 0, "a", strings.Repeat("2", 200)), // too large
		record(topic, 0, "a", "3"),
		record(topic, 0, "a", "4"),
		record(topic, 0, "a", "5", "pushgate-ttl", "soon"),
	)
	cfg = f.config(sourceOf(topic))
	cfg.MaxPayload = 100
	return topic, cfg
}

func TestDeadLetters(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic, cfg := f.poisoned()
	dead := f.topic(1)
	cfg.Sources[0].DeadLetter = dead
	c := run(t, m, cfg)
	m.waitPosition(t, topic, 0, 6)
	letters := f.letters(dead, 3)
	c.Stop()
	if got := fmt.Sprint(m.data("a")); got != "[1 3 4]" {
		t.Errorf("got %s", got)
	}
	for i, want := range []struct {
		offset, reason, text string
	}{
		{"0", reasonChannel, "the name of the channel is empty"},
		{"2", reasonSize, "the payload is larger than limits.max_payload"},
		{"5", reasonHeader, "pushgate-ttl is not a positive duration, as 30s"},
	} {
		got := headers(letters[i])
		if got["pushgate-topic"] != topic || got["pushgate-partition"] != "0" || got["pushgate-offset"] != want.offset ||
			got["pushgate-reason"] != want.reason || got["pushgate-error"] != want.text {
			t.Errorf("letter %d: %v", i, got)
		}
		if _, err := time.Parse(time.RFC3339Nano, got["pushgate-time"]); err != nil {
			t.Errorf("letter %d: %v", i, err)
		}
		if n := value(t, cfg, "pushgate_kafka_dead_letters_total", "reason", want.reason); n != 1 {
			t.Errorf("%s was counted %v times", want.reason, n)
		}
	}
	if headers(letters[0])["color"] != "red" || string(letters[0].Value) != "0" || len(letters[1].Value) != 200 {
		t.Errorf("the records are not what they were: %v", letters)
	}
}

func TestBadRecordsAreSkipped(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic, cfg := f.poisoned()
	cfg.Sources[0].OnBadRecord = Skip
	c := run(t, m, cfg)
	m.waitPosition(t, topic, 0, 6)
	c.Stop()
	if got := fmt.Sprint(m.data("a")); got != "[1 3 4]" {
		t.Errorf("got %s", got)
	}
	if n := value(t, cfg, "pushgate_kafka_skipped_records_total"); n != 3 {
		t.Errorf("%v were counted", n)
	}
}

// A bad record stops its partition, after all before it are stored, and no other.
func TestBadRecordStopsItsPartition(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic := f.topic(2)
	f.numbered(topic, 0, 0, 10)
	f.produce(record(topic, 0, "", "bad"))
	f.numbered(topic, 0, 10, 20)
	cfg := f.config(sourceOf(topic))
	c := run(t, m, cfg)
	m.waitCount(t, "p0", 10)
	eventually(t, "the partition to stop", func() bool { return len(c.Health()) == 1 })
	if got := c.Health()[0]; !strings.Contains(got, topic+"/0") || !strings.Contains(got, "offset 10: the name of the channel is empty") {
		t.Errorf("health: %s", got)
	}
	if n := value(t, cfg, "pushgate_kafka_stuck_partitions"); n != 1 {
		t.Errorf("%v partitions are stuck", n)
	}
	f.numbered(topic, 1, 0, 10)
	m.waitCount(t, "p1", 10)
	m.wantNumbers(t, "p0", 0, 10)
	c.Stop()

	// The operator lets it be skipped.
	cfg = f.config(sourceOf(topic))
	cfg.Sources[0].OnBadRecord = Skip
	run(t, m, cfg)
	m.waitCount(t, "p0", 20)
	m.wantNumbers(t, "p0", 0, 20)
}

// What the engine refuses is bad, and the rest of the batch is not.
func TestRefusedMessages(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic, dead := f.topic(1), f.topic(1)
	for i, to := range []string{`["a"]`, `["b","worse"]`, `["a","b"]`, `["worse"]`, `["b"]`, `[]`} {
		f.produce(record(topic, 0, "", fmt.Sprintf(`{"n":%d,"to":%s}`, i, to)))
	}
	source := sourceOf(topic)
	source.Mapping.Channel, source.Mapping.ForEach, source.DeadLetter = "{{.Item}}", "to", dead
	m.before = func(messages []Message, _ store.Position) error {
		for i, message := range messages {
			if message.Channel == "worse" {
				return &RefusedError{Index: i, Reason: "worse than bad"}
			}
		}
		return nil
	}
	run(t, m, f.config(source))
	m.waitPosition(t, topic, 0, 6)
	if a, b := len(m.data("a")), len(m.data("b")); a != 2 || b != 2 {
		t.Errorf("a has %d, b has %d", a, b)
	}
	for i, offset := range []string{"1", "3"} {
		if got := headers(f.letters(dead, 2)[i]); got["pushgate-offset"] != offset || got["pushgate-reason"] != reasonRefused || got["pushgate-error"] != "worse than bad" {
			t.Errorf("letter %d: %v", i, got)
		}
	}
}

// A dead letter that cannot be written keeps the partition waiting.
func TestDeadLetterTopicThatIsNotThere(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic, cfg := f.poisoned()
	cfg.Sources[0].DeadLetter = topic + "-dead"
	c := run(t, m, cfg)
	eventually(t, "the partition to be stuck", func() bool {
		health := strings.Join(c.Health(), "\n")
		return strings.Contains(health, "no such topic: "+topic+"-dead") && strings.Contains(health, "writing dead letters")
	})
	if got := m.data("a"); len(got) != 0 {
		t.Errorf("stored %v", got)
	}
	f.create(topic+"-dead", 1)
	m.waitPosition(t, topic, 0, 6)
	f.letters(topic+"-dead", 3)
	eventually(t, "all to be well", func() bool { return len(c.Health()) == 0 })
	if got := fmt.Sprint(m.data("a")); got != "[1 3 4]" {
		t.Errorf("got %s", got)
	}
}

// A record that is larger than anything that is read is a bad record too, and a
// dead letter that no broker takes goes without its value.
func TestHugeRecords(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic, dead := f.topic(1), f.topic(1)
	f.client = f.newClient(kgo.ProducerBatchCompression(kgo.ZstdCompression()), kgo.ProducerBatchMaxBytes(16<<20), kgo.MaxBufferedBytes(64<<20))
	f.produce(record(topic, 0, "a", strings.Repeat("x", 3<<20)))
	f.produce(record(topic, 0, "a", strings.Repeat("x", 12<<20), "big", strings.Repeat("y", 10)))
	f.produce(record(topic, 0, "a", "3"))
	cfg := f.config(sourceOf(topic))
	cfg.MaxPayload, cfg.Sources[0].DeadLetter = 2<<20, dead
	run(t, m, cfg)
	m.waitCount(t, "a", 1)
	letters := f.letters(dead, 2)
	for i, omitted := range []string{"value", "too long to be read"} {
		if got := headers(letters[i]); got["pushgate-omitted"] != omitted || got["pushgate-reason"] != reasonSize || len(letters[i].Value) != 0 {
			t.Errorf("letter %d: %v, %d bytes", i, got, len(letters[i].Value))
		}
	}
}
