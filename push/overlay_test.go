package push

import (
	"testing"
	"testing/synctest"
	"time"

	"pushgate/store"
)

func cursorOf(t *testing.T, s Store, subscriber, channel string) uint64 {
	t.Helper()
	list, err := s.ListSubscriptions(t.Context(), store.SubscriptionQuery{Subscriber: subscriber, Channel: channel, Limit: 1})
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	return list[0].Cursor
}

// While the store refuses cursors, acks are kept: whoever reconnects to the node
// is not sent again what it has acked, and the store has them all in the end.
func TestAcksSurviveAStoreThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &cursorStore{Store: openStore(t)}
		s.fail.Store(true)
		e := startEngine(t, s)
		p := connect(t, e, Connection{Subscriber: "ada", Channels: []string{"a", "b"}})
		for range 3 {
			for _, channel := range []string{"a", "b"} {
				if _, err := e.Publish(t.Context(), Publication{Channel: channel, Data: []byte(`1`)}); err != nil {
					t.Fatal(err)
				}
			}
		}
		synctest.Wait()
		p.session.HandleFrame(t.Context(), []byte(`{"type":"ack","channel":"a","seq":2}`))
		p.session.HandleFrame(t.Context(), []byte(`{"type":"ack","channel":"b","seq":3}`))
		time.Sleep(2 * cursorRetry)
		p.session.HandleFrame(t.Context(), []byte(`{"type":"ack","channel":"b","seq":1}`))
		if s.calls.Load() < 2 || e.cursors.pending() != 2 {
			t.Errorf("%d tries, %d pending", s.calls.Load(), e.cursors.pending())
		}
		p.session.Detach(CauseLost)
		again := connect(t, e, Connection{Subscriber: "ada", Restore: true})
		again.messages(3, 3) // of a; b has nothing left
		s.fail.Store(false)
		time.Sleep(2 * cursorRetry)
		if a, b := cursorOf(t, s, "ada", "a"), cursorOf(t, s, "ada", "b"); a != 2 || b != 3 {
			t.Errorf("the store has %d and %d", a, b)
		}
		if e.cursors.pending() != 0 {
			t.Errorf("%d pending", e.cursors.pending())
		}
	})
}

// Acks that are still to be written are written by Stop.
func TestStopWritesTheLastAcks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &cursorStore{Store: openStore(t), hold: make(chan struct{})}
		e := startEngine(t, s)
		p := connect(t, e, Connection{Subscriber: "ada", Channels: []string{"a"}})
		for _, ack := range []string{`1`, `2`} {
			if _, err := e.Publish(t.Context(), Publication{Channel: "a", Data: []byte(`1`)}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			p.session.HandleFrame(t.Context(), []byte(`{"type":"ack","channel":"a","seq":`+ack+`}`))
			synctest.Wait()
		}
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			e.Stop()
		}()
		synctest.Wait()
		close(s.hold)
		<-stopped
		if cursor := cursorOf(t, s, "ada", "a"); cursor != 2 {
			t.Errorf("the store has %d", cursor)
		}
	})
}
