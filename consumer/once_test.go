package consumer

import (
	"errors"
	"sync/atomic"
	"testing"

	"pushgate/store"
)

var errGone = errors.New("the store is gone")

// What dies after a commit, before anybody hears of it, comes back to find the
// records stored.
func TestOnceOverLostAnswers(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic := f.topic(1)
	f.numbered(topic, 0, 0, 3000)
	var calls atomic.Int64
	m.after = func([]Message, store.Position) error {
		if calls.Add(1)%2 == 1 {
			return errGone
		}
		return nil
	}
	cfg := f.config(sourceOf(topic))
	c := run(t, m, cfg)
	m.waitCount(t, "p0", 3000)
	c.Stop()
	m.wantNumbers(t, "p0", 0, 3000)
	if got := value(t, cfg, "pushgate_kafka_replayed_records_total"); got == 0 {
		t.Error("nothing was recognised as stored")
	}
}

// A process that dies leaves nothing but what is in the store: the next one
// begins there, whatever Kafka thinks.
func TestOnceOverDeath(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic := f.topic(2)
	for p := range 2 {
		f.numbered(topic, p, 0, 2000)
	}
	cfg := f.config(sourceOf(topic))
	cfg.Sources[0].BatchRecords = 50
	cfg.timing.commit = patience // Kafka is told nothing
	for life := 1; ; life++ {
		// After some batches the store takes no more: the process is as good as dead.
		var left atomic.Int64
		left.Store(17)
		dead := make(chan struct{})
		m.set(func(m *memory) {
			m.before = func([]Message, store.Position) error {
				switch n := left.Add(-1); {
				case n == 0:
					close(dead)
					fallthrough
				case n < 0:
					return errGone
				}
				return nil
			}
		})
		cfg.Registry = f.config().Registry
		c := run(t, m, cfg)
		done := make(chan struct{})
		go func() {
			defer close(done)
			m.wait(t, "death or the end", func() bool {
				select {
				case <-dead:
					return true
				default:
					return len(m.channels["p0"])+len(m.channels["p1"]) >= 4000
				}
			})
		}()
		<-done
		c.Stop()
		if len(m.data("p0"))+len(m.data("p1")) >= 4000 {
			t.Logf("%d lives", life)
			break
		}
	}
	m.wantNumbers(t, "p0", 0, 2000)
	m.wantNumbers(t, "p1", 0, 2000)
}

// Records with several channels are stored as a whole or not at all.
func TestOnceForAllChannelsOfARecord(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic := f.topic(1)
	for range 100 {
		f.produce(record(topic, 0, "", `{"to":["a","b","a",3]}`))
	}
	source := sourceOf(topic)
	source.Mapping.Channel, source.Mapping.ForEach = "user:{{.Item}}", "to"
	var calls atomic.Int64
	m.after = func([]Message, store.Position) error {
		if calls.Add(1)%3 == 0 {
			return errGone
		}
		return nil
	}
	c := run(t, m, f.config(source))
	m.waitPosition(t, topic, 0, 100)
	c.Stop()
	for _, channel := range []string{"user:a", "user:b", "user:3"} {
		if got := len(m.data(channel)); got != 100 {
			t.Errorf("%s has %d messages", channel, got)
		}
	}
}

// Kafka's committed offsets follow, and are used where the store knows nothing.
func TestCommittedOffsets(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic := f.topic(1)
	f.numbered(topic, 0, 0, 10)
	c := run(t, m, f.config(sourceOf(topic)))
	m.waitCount(t, "p0", 10)
	c.Stop()
	f.numbered(topic, 0, 10, 20)
	empty := newMemory()
	run(t, empty, f.config(sourceOf(topic)))
	empty.waitCount(t, "p0", 10)
	empty.wantNumbers(t, "p0", 10, 20)
}

func TestStartLatest(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic := f.topic(1)
	f.numbered(topic, 0, 0, 10)
	source := sourceOf(topic)
	source.Start = Latest
	c := run(t, m, f.config(source))
	m.waitPosition(t, topic, 0, 10) // stored though nothing came
	c.Stop()
	f.numbered(topic, 0, 10, 20)
	run(t, m, f.config(source))
	m.waitCount(t, "p0", 10)
	m.wantNumbers(t, "p0", 10, 20)
}
