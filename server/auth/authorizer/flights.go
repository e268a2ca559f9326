package authorizer

import (
	"context"
	"errors"
	"sync"
)

// flights are the calls under way, one for each question however many wait for it. Safe
// for concurrent use.
type flights struct {
	ctx     context.Context // ends with close
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex
	under  map[string]*flight
	closed bool
}

// flight is one call. When done is closed the rest is there.
type flight struct {
	done   chan struct{}
	answer any
	err    error
}

func (f *flights) open() {
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.under = map[string]*flight{}
}

// close ends the calls, and takes no more.
func (f *flights) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.cancel()
	f.running.Wait()
}

var errClosed = errors.New("the node is shutting down")

// join answers the call under way for a key, or begins one. It does not end with whoever
// has begun it.
func (f *flights) join(key string, run func(context.Context) (any, error)) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one := f.under[key]; one != nil {
		return one
	}
	one := &flight{done: make(chan struct{})}
	if f.closed {
		one.err = errClosed
		close(one.done)
		return one
	}
	f.under[key] = one
	f.running.Go(func() {
		one.answer, one.err = run(f.ctx)
		f.mu.Lock()
		delete(f.under, key)
		f.mu.Unlock()
		close(one.done)
	})
	return one
}
