package consumer

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"pushgate/store"
)

// memory is a Publisher that keeps what a store keeps.
type memory struct {
	mu        sync.Mutex
	channels  map[string][]Message
	positions map[incarnation]store.Position
	batches   int
	largest   int // messages of a batch
	changed   chan struct{}

	// before may refuse a batch; after may answer an error for one that is stored.
	before, after func(messages []Message, p store.Position) error
	// unreadable is what Positions fails with.
	unreadable error
}

// incarnation is what has a position.
type incarnation struct {
	store.SourceKey
	id string
}

func newMemory() *memory {
	return &memory{channels: map[string][]Message{}, positions: map[incarnation]store.Position{}, changed: make(chan struct{})}
}

func (m *memory) Ingest(ctx context.Context, messages []Message, p store.Position) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	before, after := m.before, m.after
	m.mu.Unlock()
	if before != nil {
		if err := before(messages, p); err != nil {
			m.touch()
			return err
		}
	}
	if err := m.append(messages, p); err != nil {
		return err
	}
	if after != nil {
		return after(messages, p)
	}
	return nil
}

func (m *memory) append(messages []Message, p store.Position) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	of := incarnation{p.SourceKey, p.Incarnation}
	if stored := m.positions[of]; p.Replays(stored) {
		return &store.ReplayedError{Stored: stored}
	}
	m.positions[of] = p
	for _, message := range messages {
		m.channels[message.Channel] = append(m.channels[message.Channel], message)
	}
	m.batches++
	m.largest = max(m.largest, len(messages))
	close(m.changed)
	m.changed = make(chan struct{})
	return nil
}

func (m *memory) Positions(_ context.Context, keys []store.SourceKey) ([]store.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unreadable != nil {
		return nil, m.unreadable
	}
	var found []store.Position
	for _, p := range m.positions {
		if slices.Contains(keys, p.SourceKey) {
			p.First = p.Next
			found = append(found, p)
		}
	}
	return found, nil
}

// touch wakes those that wait.
func (m *memory) touch() {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.changed)
	m.changed = make(chan struct{})
}

// set changes the hooks.
func (m *memory) set(f func(m *memory)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m)
}

// wait waits until something holds, which is called with the lock held.
func (m *memory) wait(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for {
		m.mu.Lock()
		ok, changed := holds(), m.changed
		m.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			m.mu.Lock()
			defer m.mu.Unlock()
			state := ""
			for name, messages := range m.channels {
				state += " " + name + ":" + strconv.Itoa(len(messages))
			}
			t.Fatalf("waited in vain for %s; there is%s; positions %v", what, state, m.positions)
		}
	}
}

// waitCount waits until a channel has so many messages.
func (m *memory) waitCount(t testing.TB, channel string, n int) {
	t.Helper()
	m.wait(t, strconv.Itoa(n)+" messages in "+channel, func() bool { return len(m.channels[channel]) >= n })
}

// waitPosition waits until a partition is stored up to an offset.
func (m *memory) waitPosition(t testing.TB, topic string, partition int, next int64) {
	t.Helper()
	m.wait(t, "the position "+strconv.FormatInt(next, 10), func() bool {
		for key, p := range m.positions {
			if key.Topic == topic && key.Partition == partition && p.Next >= next {
				return true
			}
		}
		return false
	})
}

// data are the payloads of a channel.
func (m *memory) data(channel string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []string
	for _, message := range m.channels[channel] {
		all = append(all, string(message.Data))
	}
	return all
}

// wantNumbers checks that a channel holds the numbers n0 to n1-1, each once and
// in order.
func (m *memory) wantNumbers(t testing.TB, channel string, n0, n1 int) {
	t.Helper()
	got := m.data(channel)
	var want []string
	for n := n0; n < n1; n++ {
		want = append(want, strconv.Itoa(n))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: %d messages, not the numbers from %d to %d once each and in order: %.300q", channel, len(got), n0, n1-1, got)
	}
}
