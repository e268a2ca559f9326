package ws_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"pushgate/push"
	"pushgate/store"
)

// slowPages is a store that takes its time over one channel's backlog.
type slowPages struct {
	push.Store
	channel string
	asked   chan struct{}
	answer  chan struct{}
	waits   atomic.Bool
}

func (s *slowPages) Pages(ctx context.Context, now time.Time, requests []store.PageRequest) ([]store.Page, error) {
	for _, r := range requests {
		if r.Channel == s.channel && s.waits.Load() {
			select {
			case s.asked <- struct{}{}:
			default:
			}
			select {
			case <-s.answer:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	}
	return s.Store.Pages(ctx, now, requests)
}

// One client's expensive request holds up neither its own next frames nor
// anybody else's messages and acks.
func TestExpensiveRequestHoldsUpNobody(t *testing.T) {
	database, _ := openSQLite(t, t.TempDir()+"/pushgate.db")
	slow := &slowPages{Store: database, channel: "big", asked: make(chan struct{}, 1), answer: make(chan struct{})}
	n := startOn(t, slow, func(s *setup) { s.RingMessages = 1 })
	for range 1000 {
		n.publish("big", `1`)
	}
	other := n.dial("subscriber=bob")
	other.expect("connected", nil)
	other.subscribe(frame{"channel": "small"})

	slow.waits.Store(true)
	greedy := n.dial("subscriber=ada")
	greedy.expect("connected", nil)
	greedy.subscribe(frame{"channel": "big", "from": "earliest"})
	<-slow.asked
	greedy.send(frame{"type": "ping", "id": 7})
	greedy.expect("pong", frame{"id": 7})
	for seq := range uint64(10) {
		n.publish("small", `1`)
		other.messages("small", seq+1, seq+1)
		other.ack("small", seq+1)
	}
	eventually(t, func() bool {
		subscriptions, err := database.Subscriptions(t.Context(), []string{"bob"})
		return err == nil && len(subscriptions) == 1 && subscriptions[0].Cursor == 10
	})
	slow.waits.Store(false)
	close(slow.answer)
	greedy.messages("big", 1, 256) // its window
}
