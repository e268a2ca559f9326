package ws

import (
	"context"
	"sync"
)

// scratchSize is how much one write gathers: several frames for one connection
// cost one system call.
const scratchSize = 64 << 10

// drainerSize is how much a connection that does not take a write at once has
// outside its outbox.
const drainerSize = 16 << 10

// writer drains the outboxes of its share of the connections.
type writer struct {
	mu    sync.Mutex
	dirty []*conn
	more  chan struct{}
}

func newWriter() *writer { return &writer{more: make(chan struct{}, 1)} }

// add queues a connection that has something to send. It never blocks.
func (w *writer) add(c *conn) {
	w.mu.Lock()
	w.dirty = append(w.dirty, c)
	first := len(w.dirty) == 1
	w.mu.Unlock()
	if !first {
		return
	}
	select {
	case w.more <- struct{}{}:
	default:
	}
}

func (w *writer) swap(empty []*conn) []*conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	full := w.dirty
	w.dirty = empty[:0]
	return full
}

// run drains until ctx ends.
func (w *writer) run(ctx context.Context) {
	var batch []*conn
	scratch := make([]byte, 0, scratchSize)
	for {
		batch = w.swap(batch)
		for _, c := range batch {
			scratch = c.flush(scratch)
		}
		clear(batch)
		if len(batch) > 0 {
			continue
		}
		select {
		case <-w.more:
		case <-ctx.Done():
			return
		}
	}
}
