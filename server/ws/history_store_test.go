package ws_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"pushgate/push"
	"pushgate/store"
)

// faultyStore fails now and then, and for good once it is dead. An append that
// fails may have been committed all the same.
type faultyStore struct {
	push.Store
	dead atomic.Bool

	mu     sync.Mutex
	random *rand.Rand
}

func newFaultyStore(s push.Store, random *rand.Rand) *faultyStore {
	return &faultyStore{Store: s, random: random}
}

var errFault = fmt.Errorf("%w: a fault of the test", store.ErrUnavailable)

func (s *faultyStore) fails(one int) bool {
	if s.dead.Load() {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(one) == 0
}

func (s *faultyStore) Append(ctx context.Context, batch store.Batch) ([]store.Appended, error) {
	if s.fails(50) {
		return nil, errFault
	}
	results, err := s.Store.Append(ctx, batch)
	if err == nil && s.fails(50) {
		return nil, errFault
	}
	return results, err
}

func (s *faultyStore) Pages(ctx context.Context, now time.Time, requests []store.PageRequest) ([]store.Page, error) {
	if s.fails(50) {
		return nil, errFault
	}
	return s.Store.Pages(ctx, now, requests)
}

func (s *faultyStore) Tails(ctx context.Context, channels []string) ([]store.Tail, error) {
	if s.fails(20) {
		return nil, errFault
	}
	return s.Store.Tails(ctx, channels)
}

func (s *faultyStore) Subscriptions(ctx context.Context, subscribers []string) ([]store.Subscription, error) {
	if s.fails(20) {
		return nil, errFault
	}
	return s.Store.Subscriptions(ctx, subscribers)
}

func (s *faultyStore) WriteCursors(ctx context.Context, cursors []store.Cursor) error {
	if s.fails(10) {
		return errFault
	}
	return s.Store.WriteCursors(ctx, cursors)
}
