package push

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pushgate/push/wire"
	"pushgate/store"
)

// countingStore counts the calls of a reconnect, each of which takes a while.
type countingStore struct {
	Store
	restores, subscribes, pages, cursors atomic.Int64
}

const callTime = 5 * time.Millisecond

func (s *countingStore) Subscriptions(ctx context.Context, subscribers []string) ([]store.Subscription, error) {
	s.restores.Add(1)
	time.Sleep(callTime)
	return s.Store.Subscriptions(ctx, subscribers)
}

func (s *countingStore) Subscribe(ctx context.Context, requests []store.NewSubscription) ([]store.Subscription, error) {
	s.subscribes.Add(1)
	time.Sleep(callTime)
	return s.Store.Subscribe(ctx, requests)
}

func (s *countingStore) Pages(ctx context.Context, now time.Time, requests []store.PageRequest) ([]store.Page, error) {
	s.pages.Add(1)
	time.Sleep(callTime)
	return s.Store.Pages(ctx, now, requests)
}

func (s *countingStore) WriteCursors(ctx context.Context, cursors []store.Cursor) error {
	s.cursors.Add(1)
	time.Sleep(callTime)
	return s.Store.WriteCursors(ctx, cursors)
}

// A crowd that comes back at once, each with a backlog in a channel of its own,
// is few queries.
func TestCrowdThatComesBackAtOnce(t *testing.T) {
	crowd, backlog := 1000, uint64(3)
	if testing.Short() {
		crowd = 200
	}
	synctest.Test(t, func(t *testing.T) {
		s := &countingStore{Store: openStore(t)}
		e := startEngine(t, s)
		each := func(f func(i int)) {
			var all sync.WaitGroup
			for i := range crowd {
				all.Go(func() { f(i) })
			}
			all.Wait()
		}
		each(func(i int) {
			name := fmt.Sprint(i)
			if _, err := e.CreateSubscription(t.Context(), "s"+name, "c"+name, store.From{}, ""); err != nil {
				t.Error(err)
			}
			for range backlog {
				if _, err := e.Publish(t.Context(), Publication{Channel: "c" + name, Data: []byte(`1`)}); err != nil {
					t.Error(err)
				}
			}
		})
		each(func(i int) {
			p := connect(t, e, Connection{Subscriber: fmt.Sprintf("s%d", i), Restore: true})
			p.messages(1, backlog)
			p.session.HandleFrame(t.Context(), fmt.Appendf(nil, `{"type":"ack","channel":"c%d","seq":%d}`, i, backlog))
		})
		synctest.Wait()
		time.Sleep(time.Second)
		for what, calls := range map[string]int64{
			"subscribe": s.subscribes.Load(), "restore": s.restores.Load(), "page": s.pages.Load(), "cursor": s.cursors.Load(),
		} {
			if calls == 0 || calls > int64(crowd/10) {
				t.Errorf("%d %s calls for %d subscribers", calls, what, crowd)
			}
		}
		list, err := e.ListSubscriptions(t.Context(), store.SubscriptionQuery{Limit: 2 * crowd})
		if err != nil || len(list) != crowd {
			t.Fatalf("%d subscriptions, %v", len(list), err)
		}
		for _, sub := range list {
			if sub.Cursor != backlog {
				t.Errorf("%+v", sub)
			}
		}
	})
}

// messages drains until the messages of a range have come.
func (p *peer) messages(from, to uint64) {
	p.t.Helper()
	for from <= to {
		<-p.woken
		for more := true; more; {
			var frames []*wire.Frame
			frames, more, _ = p.session.DrainFrames(nil, 1)
			for _, f := range frames {
				if m, ok := f.Event.(*wire.Message); ok {
					if m.Seq != from {
						p.t.Errorf("got seq %d, want %d", m.Seq, from)
					}
					from++
				}
			}
		}
	}
}
