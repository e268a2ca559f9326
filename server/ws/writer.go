package ws

import (
	"context"
	"sync"
	"time"
)

// scratchSize is how much one write gathers: several frames for one connection
// cost one system call.
const scratchSize = 64 << 10

// Under load a writer gathers: what is written to a connection costs a system call
// of several microseconds, however little it is. When a pass went over at least
// crowd connections with small writes, and half as many have something again by its
// end, the next begins only after as long as that one took, at most maxGather.
// Whoever is not behind never waits.
const (
	crowd      = 32
	smallWrite = 8 << 10 // bytes: beyond it the call itself is the smaller part
	maxGather  = 5 * time.Millisecond
)

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
		began, written := time.Now(), 0
		for _, c := range batch {
			var n int
			scratch, n = c.flush(scratch)
			written += n
		}
		clear(batch)
		if len(batch) > 0 {
			w.gather(len(batch), written, time.Since(began))
			continue
		}
		select {
		case <-w.more:
		case <-ctx.Done():
			return
		}
	}
}

// gather waits for more after a pass over so many connections, if that pays.
func (w *writer) gather(connections, written int, took time.Duration) {
	if connections < crowd || written > connections*smallWrite {
		return
	}
	w.mu.Lock()
	behind := 2*len(w.dirty) >= connections
	w.mu.Unlock()
	if behind {
		time.Sleep(min(took, maxGather))
	}
}
