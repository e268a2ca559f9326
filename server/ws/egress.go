package ws

import (
	"context"
	"sync"
	"time"

	"pushgate/push"
)

// egress paces what goes out of one connection, and of all together. A rate of 0
// is no bound. Safe for concurrent use.
type egress struct {
	each, all int // bytes in a second

	mu    sync.Mutex
	total push.Meter
}

func (e *egress) shaped() bool { return e.each > 0 || e.all > 0 }

// portion is how much a connection may take from its outbox at once: little
// enough that its messages go out evenly.
func (e *egress) portion() int {
	if e.each == 0 {
		return drainerSize
	}
	return min(max(e.each/10, 1), drainerSize)
}

// wait waits until a connection may send so many bytes, or ctx ends. own is what
// the connection has sent.
func (e *egress) wait(ctx context.Context, own *push.Meter, bytes int) {
	if !e.shaped() {
		return
	}
	now := time.Now()
	e.mu.Lock()
	pause := e.total.Take(now, bytes, e.all)
	e.mu.Unlock()
	pause = max(pause, own.Take(now, bytes, e.each))
	if pause == 0 {
		return
	}
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
}
