package push

import (
	"context"
	"time"
)

// loader answers single look-ups in batches, so that ten thousand clients that
// come back at once are a few queries.
type loader[K, V any] struct {
	service
	gather  *gatherer[*load[K, V]]
	timeout time.Duration
	query   func(context.Context, []K) ([]V, error)
}

type load[K, V any] struct {
	key  K
	done chan struct{}
	val  V
	err  error
}

// loaderQueue bounds the look-ups that wait; loaderBatch one query.
const (
	loaderQueue = 65536
	loaderBatch = 512
)

func newLoader[K, V any](workers int, timeout time.Duration, query func(context.Context, []K) ([]V, error)) *loader[K, V] {
	l := &loader[K, V]{
		gather:  newGatherer[*load[K, V]](loaderBatch, loaderBatch, loaderQueue, loaderQueue, 0),
		timeout: timeout, query: query,
	}
	for range workers {
		l.loops = append(l.loops, func(ctx context.Context) { l.gather.run(ctx, l.work) })
	}
	return l
}

// Stop answers what was asked for before it.
func (l *loader[K, V]) Stop() {
	l.gather.close()
	l.service.Stop()
}

// get waits for the answer to one key until ctx ends, and at most for two
// queries' time.
func (l *loader[K, V]) get(ctx context.Context, key K) (V, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*l.timeout)
	defer cancel()
	ask := &load[K, V]{key: key, done: make(chan struct{})}
	if err := l.gather.addWait(ctx, ask, 1); err != nil {
		return ask.val, err
	}
	select {
	case <-ask.done:
		return ask.val, ask.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

func (l *loader[K, V]) work(batch []*load[K, V]) {
	keys := make([]K, len(batch))
	for i, ask := range batch {
		keys[i] = ask.key
	}
	ctx, cancel := context.WithTimeout(context.Background(), l.timeout)
	defer cancel()
	values, err := l.query(ctx, keys)
	for i, ask := range batch {
		if err != nil {
			ask.err = err
		} else {
			ask.val = values[i]
		}
		close(ask.done)
	}
}
