package push

import (
	"context"
	"errors"
	"sync"
	"time"
)

// gatherer turns many small requests into few large ones: what arrives while a
// batch is being worked on makes up the next batch. A single request on an idle
// gatherer is worked on at once; under load a batch is given some time to fill
// (see await), at most linger.
//
// add may be called from any goroutine; run by the owner's goroutines.
type gatherer[T any] struct {
	maxItems, maxSize int // of one batch
	capItems, capSize int // of the queue
	linger            time.Duration

	mu        sync.Mutex
	queue     []T
	sizes     []int
	queueSize int
	closed    bool
	wantedAt  int // signal more when the queue reaches this length
	more      chan struct{}
	room      chan struct{} // closed and replaced when the queue shrinks; nil when nobody waits
}

func newGatherer[T any](maxItems, maxSize, capItems, capSize int, linger time.Duration) *gatherer[T] {
	return &gatherer[T]{
		maxItems: maxItems, maxSize: maxSize, capItems: capItems, capSize: capSize,
		linger: linger, wantedAt: 1, more: make(chan struct{}, 1),
	}
}

// add queues one item that counts size bytes. It answers errFull when the queue
// is at its bound, and errStopped after close.
func (g *gatherer[T]) add(item T, size int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errStopped
	}
	if len(g.queue) >= g.capItems || (g.queueSize+size > g.capSize && len(g.queue) > 0) {
		return errFull
	}
	g.queue = append(g.queue, item)
	g.sizes = append(g.sizes, size)
	g.queueSize += size
	if len(g.queue) >= g.wantedAt || g.queueSize >= g.maxSize {
		select {
		case g.more <- struct{}{}:
		default:
		}
	}
	return nil
}

// addWait is add that waits for room until ctx ends.
func (g *gatherer[T]) addWait(ctx context.Context, item T, size int) error {
	for {
		err := g.add(item, size)
		if !errors.Is(err, errFull) {
			return err
		}
		g.mu.Lock()
		if g.room == nil {
			g.room = make(chan struct{})
		}
		room, still := g.room, len(g.queue) > 0
		g.mu.Unlock()
		if !still {
			continue
		}
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take removes the next batch; done is false when there is none.
func (g *gatherer[T]) take(buf []T) (batch []T, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, size := 0, 0
	for n < len(g.queue) && n < g.maxItems && (n == 0 || size+g.sizes[n] <= g.maxSize) {
		size += g.sizes[n]
		n++
	}
	if n == 0 {
		return buf[:0], false
	}
	batch = append(buf[:0], g.queue[:n]...)
	rest := copy(g.queue, g.queue[n:])
	clear(g.queue[rest:])
	g.queue = g.queue[:rest]
	g.sizes = append(g.sizes[:0], g.sizes[n:]...)
	g.queueSize -= size
	if g.room != nil {
		close(g.room)
		g.room = nil
	}
	return batch, true
}

func (g *gatherer[T]) length() (items, size int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.queue), g.queueSize
}

// expect sets the length at which a lingering run is woken before its time.
func (g *gatherer[T]) expect(n int) (reached bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wantedAt = n
	return len(g.queue) >= n || g.queueSize >= g.maxSize
}

// run works on batches until ctx ends and the queue is empty: close first, so
// that it does become empty.
func (g *gatherer[T]) run(ctx context.Context, work func(batch []T)) {
	var buf []T
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if batch, ok := g.take(buf); ok {
			start := time.Now()
			work(batch)
			g.await(len(batch), time.Since(start), timer)
			clear(batch)
			buf = batch[:0]
			continue
		}
		select {
		case <-g.more:
		case <-ctx.Done():
			if n, _ := g.length(); n == 0 {
				return
			}
		}
	}
}

// await lingers after a batch until as many items are queued as were worked on
// in addition to those that came meanwhile: callers that wait for their answers
// come again together, and without the wait they would settle into two halves
// that alternate. It waits for half of the time that the batch took, at most.
func (g *gatherer[T]) await(worked int, took time.Duration, timer *time.Timer) {
	queued, _ := g.length()
	linger := min(g.linger, took/2)
	if linger <= 0 || worked+queued == 1 || g.expect(min(worked+queued, g.maxItems)) {
		g.expect(1)
		return
	}
	timer.Reset(linger)
	defer timer.Stop()
	for {
		select {
		case <-g.more:
			if g.expect(min(worked+queued, g.maxItems)) {
				g.expect(1)
				return
			}
		case <-timer.C:
			g.expect(1)
			return
		}
	}
}

// close refuses everything from now on; what is queued is still worked on.
func (g *gatherer[T]) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	if g.room != nil {
		close(g.room)
		g.room = nil
	}
}
