package ws_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"pushgate/push"
)

// Backlog and live messages meet while publishers run at full speed: every
// connection sees an unbroken run, whatever mix of store, ring and live it gets.
func TestBacklogMeetsLiveMessages(t *testing.T) {
	const connections, run = 15, 120
	for name, ring := range map[string]int{"from the ring": 4096, "from the store": 1} {
		t.Run(name, func(t *testing.T) {
			n := start(t, func(s *setup) { s.RingMessages, s.RingBytes = ring, 4<<20 })
			n.away("ada", "a")
			var stop atomic.Bool
			var publishers sync.WaitGroup
			defer publishers.Wait()
			defer stop.Store(true)
			for range 4 {
				publishers.Go(func() {
					for !stop.Load() {
						if _, err := n.engine.Publish(t.Context(), push.Publication{Channel: "a", Data: []byte(`1`)}); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			acked := uint64(0)
			for i := range connections {
				c := n.dial("subscriber=ada&restore=none")
				c.expect("connected", nil)
				f := c.subscribe(frame{"channel": "a", "window": push.MaxWindow})
				cursor := uint64(f["cursor"].(float64))
				if cursor != acked {
					t.Fatalf("connection %d starts after %d, acked was %d", i, cursor, acked)
				}
				c.messages("a", cursor+1, cursor+run)
				acked = cursor + run - 10
				c.send(frame{"type": "ack", "channel": "a", "seq": acked})
				c.sync(t, cursor+run)
				_ = c.socket.CloseNow()
			}
		})
	}
}

// sync waits until the server has worked on all frames; messages that come
// meanwhile continue the run.
func (c *client) sync(t *testing.T, position uint64) {
	t.Helper()
	c.send(frame{"type": "ping"})
	for {
		f := c.next()
		if f["type"] == "pong" {
			return
		}
		if position++; f["seq"] != float64(position) {
			t.Fatalf("got %v, want seq %d", f, position)
		}
	}
}

// Publishers of one channel, each in its own order, some of them with the same
// message id at the same moment.
func TestManyPublishersOfOneChannel(t *testing.T) {
	const publishers, each = 8, 30
	n := start(t)
	c := n.dial("channel=a")
	c.expect("connected", nil)
	c.expect("subscribed", nil)
	var running sync.WaitGroup
	var shared sync.Map // message id to seq
	for p := range publishers {
		running.Go(func() {
			last := uint64(0)
			for i := range each {
				own, err := n.engine.Publish(t.Context(), push.Publication{Channel: "a", Data: fmt.Appendf(nil, `"%d-%d"`, p, i)})
				if err != nil || own.Seq <= last {
					t.Errorf("seq %d after %d, %v", own.Seq, last, err)
				}
				last = own.Seq
				id := fmt.Sprintf("shared-%d", i)
				got, err := n.engine.Publish(t.Context(), push.Publication{Channel: "a", MessageID: id, Data: []byte(`1`)})
				if err != nil {
					t.Error(err)
				}
				if seq, other := shared.LoadOrStore(id, got.Seq); other && (seq != got.Seq) {
					t.Errorf("%s was stored as %v and as %d", id, seq, got.Seq)
				}
			}
		})
	}
	running.Wait()
	c.messages("a", 1, (publishers+1)*each)
	c.idle()
}

func TestHundredChannelsAtOnce(t *testing.T) {
	n := start(t)
	query := "subscriber=ada"
	for i := range 100 {
		query += fmt.Sprintf("&channel=c%d", i)
	}
	c := n.dial(query)
	c.expect("connected", nil)
	for i := range 100 {
		c.expect("subscribed", frame{"channel": fmt.Sprintf("c%d", i)})
	}
	var publishers sync.WaitGroup
	for i := range 100 {
		publishers.Go(func() {
			for range 3 {
				if _, err := n.engine.Publish(t.Context(), push.Publication{Channel: fmt.Sprintf("c%d", i), Data: []byte(`1`)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	publishers.Wait()
	position := make(map[any]float64)
	for range 300 {
		f := c.expect("message", nil)
		if f["seq"] != position[f["channel"]]+1 {
			t.Fatalf("got %v behind %v", f, position[f["channel"]])
		}
		position[f["channel"]]++
	}
	c.idle()
	_ = c.socket.CloseNow()
	again := n.dial("subscriber=ada")
	f := again.expect("connected", nil)
	if open := f["subscriptions"].([]any); len(open) != 100 {
		t.Fatalf("%d were reopened", len(open))
	}
	for range 300 {
		again.expect("message", nil)
	}
}
