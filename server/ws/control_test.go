package ws_test

import (
	"fmt"
	"sync"
	"testing"

	"pushgate/push"
	"pushgate/store"
)

func TestBackendCreatesASubscriptionForSomebodyOnline(t *testing.T) {
	n := start(t)
	for range 3 {
		n.publish("a", `1`)
	}
	first, second := n.dial("subscriber=ada"), n.dial("subscriber=ada")
	first.expect("connected", nil)
	second.expect("connected", nil)
	created, err := n.engine.CreateSubscription(t.Context(), "ada", "a", store.From{Start: store.StartAfter, Seq: 1}, "")
	if err != nil || created.Existed || created.Cursor != 1 {
		t.Fatalf("%+v, %v", created, err)
	}
	for _, c := range []*client{first, second} {
		f := c.expect("subscribed", frame{"channel": "a", "cursor": 1, "seq": 3, "pending": 2})
		if _, ok := f["id"]; ok {
			t.Errorf("nobody asked: %v", f)
		}
		c.messages("a", 2, 3)
	}
	if _, err := n.engine.CreateSubscription(t.Context(), "ada", "a", store.From{}, ""); err != nil {
		t.Fatal(err)
	}
	first.idle()
	first.ack("a", 3)
	n.publish("a", `1`)
	first.messages("a", 4, 4)
	second.messages("a", 4, 4)
}

func TestBackendDeletesASubscriptionOfSomebodyOnline(t *testing.T) {
	n := start(t)
	c, other := n.dial("subscriber=ada&channel=a&channel=b"), n.dial("subscriber=eve&channel=a")
	c.expect("connected", nil)
	c.expect("subscribed", nil)
	c.expect("subscribed", nil)
	other.expect("connected", nil)
	other.expect("subscribed", nil)
	key := store.SubscriptionKey{Subscriber: "ada", Channel: "a"}
	if existed, err := n.engine.DeleteSubscription(t.Context(), key); !existed || err != nil {
		t.Fatal(existed, err)
	}
	f := c.expect("unsubscribed", frame{"channel": "a", "reason": "server"})
	if _, ok := f["id"]; ok {
		t.Errorf("nobody asked: %v", f)
	}
	n.publish("a", `1`)
	n.publish("b", `1`)
	c.messages("b", 1, 1)
	other.messages("a", 1, 1)
	if existed, err := n.engine.DeleteSubscription(t.Context(), key); existed || err != nil {
		t.Fatal(existed, err)
	}
	c.subscribe(frame{"channel": "a", "from": "earliest"})
	c.messages("a", 1, 1)
}

func TestDisconnect(t *testing.T) {
	n := start(t)
	end := push.End{Code: 4403, Reason: "disconnected"}
	one, other, eve := n.dial("subscriber=ada"), n.dial("subscriber=ada"), n.dial("subscriber=eve")
	id := one.expect("connected", nil)["connection"].(string)
	other.expect("connected", nil)
	eve.expect("connected", nil)
	if ended := n.engine.Disconnect(id, "", end); ended != 1 {
		t.Fatalf("ended %d", ended)
	}
	one.expect("closing", frame{"code": 4403, "reason": "disconnected", "reconnect": false})
	one.closed(4403)
	other.idle()
	if ended := n.engine.Disconnect("", "ada", end); ended < 1 {
		t.Fatalf("ended %d", ended)
	}
	other.expect("closing", frame{"code": 4403})
	other.closed(4403)
	eve.idle()
}

func TestMaxSubscriptions(t *testing.T) {
	n := start(t, func(s *setup) { s.MaxSubscriptions = 3 })
	c := n.dial("subscriber=ada&channel=a&channel=b&channel=c&channel=d")
	c.expect("connected", nil)
	for _, channel := range []string{"a", "b", "c"} {
		c.expect("subscribed", frame{"channel": channel})
	}
	c.expect("error", frame{"code": "resource_exhausted"})
	c.send(frame{"type": "unsubscribe", "id": 2, "channel": "b"})
	c.expect("unsubscribed", frame{"id": 2})
	c.subscribe(frame{"channel": "d"})
	c.send(frame{"type": "subscribe", "id": 3, "channel": "b"})
	c.expect("error", frame{"id": 3, "code": "resource_exhausted"})
	// Four are stored by now: one too many to reopen.
	again := n.dial("subscriber=ada")
	f := again.expect("connected", nil)
	if open := f["subscriptions"].([]any); len(open) != 3 {
		t.Fatalf("%d were reopened", len(open))
	}
	again.expect("error", frame{"code": "resource_exhausted"})
}

// Subscribing, unsubscribing, creating and deleting race with publishes: a
// client's view of a channel is always open, an unbroken run, closed.
func TestSubscribeAndUnsubscribeRace(t *testing.T) {
	n := start(t)
	done := make(chan struct{})
	var others sync.WaitGroup
	loop := func(f func() error) {
		others.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := f(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	loop(func() error {
		_, err := n.engine.Publish(t.Context(), push.Publication{Channel: "a", Data: []byte(`1`)})
		return err
	})
	loop(func() error {
		_, err := n.engine.CreateSubscription(t.Context(), "ada", "a", store.From{Start: store.StartNew}, "")
		return err
	})
	loop(func() error {
		_, err := n.engine.DeleteSubscription(t.Context(), store.SubscriptionKey{Subscriber: "ada", Channel: "a"})
		return err
	})
	c := n.dial("subscriber=ada&restore=none")
	c.expect("connected", nil)
	position, open := uint64(0), false
	for i := range 150 {
		kind := "subscribe"
		if i%2 == 1 {
			kind = "unsubscribe"
		}
		c.send(frame{"type": kind, "id": i, "channel": "a", "window": push.MaxWindow})
		for answered := false; !answered; {
			f := c.next()
			answered = f["id"] == float64(i)
			switch f["type"] {
			case "subscribed":
				if !open {
					position, open = uint64(f["cursor"].(float64)), true
				}
			case "unsubscribed":
				open = false
			case "message":
				if position++; !open || f["seq"] != float64(position) {
					t.Fatalf("open: %v, at %d: %v", open, position, f)
				}
			default:
				t.Fatalf("got %v", f)
			}
		}
	}
	close(done)
	others.Wait()
}

// Connections that come and go ten at a time, while somebody stays.
func TestReconnectStorm(t *testing.T) {
	n := start(t)
	stays := n.dial("channel=a")
	stays.expect("connected", nil)
	stays.expect("subscribed", nil)
	var storm sync.WaitGroup
	for i := range 10 {
		storm.Go(func() {
			for range 20 {
				c := n.rawDial(fmt.Sprintf("subscriber=s%d&channel=a", i))
				_ = c.conn.Close()
			}
		})
	}
	storm.Go(func() {
		for range 50 {
			if _, err := n.engine.Publish(t.Context(), push.Publication{Channel: "a", Data: []byte(`1`)}); err != nil {
				t.Error(err)
			}
		}
	})
	storm.Wait()
	stays.messages("a", 1, 50)
	eventually(t, func() bool { return n.engine.Sessions() == 1 })
	if c, err := n.engine.Channel(t.Context(), "a"); err != nil || c.Online != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
}
