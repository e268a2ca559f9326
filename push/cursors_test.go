package push

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"pushgate/store"
)

// cursorStore fails or delays the writes of cursors.
type cursorStore struct {
	Store
	fail  atomic.Bool
	hold  chan struct{} // when not nil, writes wait for it
	calls atomic.Int64
}

func (s *cursorStore) WriteCursors(ctx context.Context, cursors []store.Cursor) error {
	s.calls.Add(1)
	if s.hold != nil {
		<-s.hold
	}
	if s.fail.Load() {
		return store.ErrUnavailable
	}
	return s.Store.WriteCursors(ctx, cursors)
}

// A subscription that was forgotten and made anew starts from its beginning,
// even if the old one's acks are still on their way to the store.
func TestAckOnItsWayDoesNotOutliveItsSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &cursorStore{Store: openStore(t), hold: make(chan struct{})}
		e := startEngine(t, s)
		p := connect(t, e, Connection{Subscriber: "ada", Channels: []string{"a"}})
		for range 3 {
			if _, err := e.Publish(t.Context(), Publication{Channel: "a", Data: []byte(`1`)}); err != nil {
				t.Fatal(err)
			}
		}
		p.session.HandleFrame(t.Context(), []byte(`{"type":"ack","channel":"a","seq":3}`))
		synctest.Wait()
		if s.calls.Load() != 1 {
			t.Fatal("the ack is not on its way")
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.session.HandleFrame(t.Context(), []byte(`{"type":"unsubscribe","id":1,"channel":"a","forget":true}`))
			p.session.HandleFrame(t.Context(), []byte(`{"type":"subscribe","id":2,"channel":"a","from":"earliest"}`))
		}()
		synctest.Wait()
		close(s.hold)
		<-done
		synctest.Wait()
		list, err := e.ListSubscriptions(t.Context(), store.SubscriptionQuery{Subscriber: "ada", Limit: 10})
		if err != nil || len(list) != 1 || list[0].Cursor != 0 {
			t.Fatalf("%+v, %v", list, err)
		}
	})
}
