package consumer

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"pushgate/store"
)

// While the store is down nothing is committed and nothing skipped; it goes on
// by itself.
func TestStoreDown(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic := f.topic(2)
	f.numbered(topic, 0, 0, 1000)
	f.numbered(topic, 1, 0, 1000)
	var calls atomic.Int64
	m.before = func([]Message, store.Position) error { calls.Add(1); return errGone }
	cfg := f.config(sourceOf(topic))
	c := run(t, m, cfg)
	m.wait(t, "attempts", func() bool { return calls.Load() > 10 })
	eventually(t, "both partitions to be stuck", func() bool { return len(c.Health()) == 2 })
	if got := c.Health()[0]; !strings.Contains(got, "while storing: the store is gone") {
		t.Errorf("health: %s", got)
	}
	// The lag is known all the same.
	eventually(t, "the lag", func() bool { return value(t, cfg, "pushgate_kafka_lag_records", "topic", topic) == 2000 })
	m.set(func(m *memory) { m.before = nil })
	m.waitCount(t, "p0", 1000)
	m.waitCount(t, "p1", 1000)
	m.wantNumbers(t, "p0", 0, 1000)
	m.wantNumbers(t, "p1", 0, 1000)
	eventually(t, "all to be well", func() bool { return len(c.Health()) == 0 })
	eventually(t, "the lag to go", func() bool { return value(t, cfg, "pushgate_kafka_lag_records") == 0 })
}

func TestStoreDownAtStart(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic := f.topic(1)
	f.numbered(topic, 0, 0, 10)
	m.unreadable = errGone
	c := run(t, m, f.config(sourceOf(topic)))
	eventually(t, "the partition to be stuck", func() bool { return len(c.Health()) == 1 })
	m.set(func(m *memory) { m.unreadable = nil })
	m.waitCount(t, "p0", 10)
	m.wantNumbers(t, "p0", 0, 10)
}

// A partition that hangs in the store does not stall its neighbour.
func TestSlowPartition(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic := f.topic(2)
	hang, hangs := make(chan struct{}), make(chan struct{})
	m.before = func(_ []Message, p store.Position) error {
		if p.Partition == 0 && p.First == 0 {
			close(hangs)
			<-hang
		}
		return nil
	}
	run(t, m, f.config(sourceOf(topic)))
	f.numbered(topic, 0, 0, 10)
	<-hangs
	f.numbered(topic, 1, 0, 1000)
	m.waitCount(t, "p1", 1000)
	if got := m.data("p0"); len(got) != 0 {
		t.Errorf("p0 has %v", got)
	}
	close(hang)
	m.waitCount(t, "p0", 10)
}

// Stop waits for the batch that is being stored, and commits it.
func TestStopFinishesTheBatch(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic := f.topic(1)
	f.numbered(topic, 0, 0, 10)
	hang, hangs := make(chan struct{}), make(chan struct{})
	m.before = func(_ []Message, p store.Position) error {
		if p.First == 0 {
			close(hangs)
			<-hang
		}
		return nil
	}
	c := run(t, m, f.config(sourceOf(topic)))
	<-hangs
	stopped := make(chan struct{})
	go func() {
		c.Stop()
		c.Stop() // twice is safe
		close(stopped)
	}()
	eventually(t, "Stop to begin", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.stopped })
	select {
	case <-stopped:
		t.Fatal("Stop did not wait for the store")
	default:
	}
	close(hang)
	<-stopped
	if len(m.data("p0")) == 0 {
		t.Error("the batch was lost")
	}
	c.Start() // does nothing
}

func TestNoBroker(t *testing.T) {
	m := newMemory()
	f := &fixture{t: t, brokers: []string{"127.0.0.1:1"}, group: "none"}
	cfg := f.config(sourceOf("a"))
	c := run(t, m, cfg)
	eventually(t, "it to be noticed", func() bool { return len(c.Health()) == 1 })
	if got := c.Health()[0]; !strings.Contains(got, "looking for the topics") || !strings.Contains(got, "127.0.0.1:1") {
		t.Errorf("health: %s", got)
	}
}

func TestBackoffEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := backoff{first: patience, most: patience}
	if b.wait(ctx) {
		t.Error("it waited")
	}
}
