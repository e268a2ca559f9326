package rpc_test

import (
	"context"
	"sync/atomic"

	"pushgate/push"
	"pushgate/store"
)

// faulty is a store that can be told to fail, or to keep appends waiting.
type faulty struct {
	push.Store
	failure atomic.Pointer[error]
	panics  atomic.Bool
	held    atomic.Pointer[chan struct{}]
	// blocked is sent the number of messages of an append that waits.
	blocked chan int
}

func (f *faulty) fail(err error) { f.failure.Store(&err) }

func (f *faulty) heal() { f.failure.Store(nil) }

func (f *faulty) err() error {
	if e := f.failure.Load(); e != nil {
		return *e
	}
	return nil
}

// hold keeps appends waiting until release.
func (f *faulty) hold() {
	gate := make(chan struct{})
	f.held.Store(&gate)
}

func (f *faulty) release() {
	if gate := f.held.Swap(nil); gate != nil {
		close(*gate)
	}
}

func (f *faulty) Append(ctx context.Context, batch store.Batch) ([]store.Appended, error) {
	if gate := f.held.Load(); gate != nil {
		select {
		case f.blocked <- len(batch.Messages):
		case <-*gate:
		}
		<-*gate
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Store.Append(ctx, batch)
}

func (f *faulty) ListChannels(ctx context.Context, q store.ChannelQuery) ([]store.Channel, error) {
	if f.panics.Load() {
		panic("a bug")
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Store.ListChannels(ctx, q)
}

func (f *faulty) Subscriptions(ctx context.Context, subscribers []string) ([]store.Subscription, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Store.Subscriptions(ctx, subscribers)
}
