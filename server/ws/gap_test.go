package ws_test

import (
	"slices"
	"testing"
	"time"

	"pushgate/push"
)

// away makes a durable subscription that nobody has open.
func (n *node) away(subscriber, channel string) {
	n.t.Helper()
	if _, err := n.engine.CreateSubscription(n.t.Context(), subscriber, channel, n.engine.StartOf(channel), ""); err != nil {
		n.t.Fatal(err)
	}
}

// publishMortal publishes messages numbered from 1 of which those in mortal are
// gone when it returns.
func (n *node) publishMortal(channel string, count uint64, mortal ...uint64) {
	n.t.Helper()
	for seq := uint64(1); seq <= count; seq++ {
		p := push.Publication{Channel: channel, Data: []byte(`1`)}
		if slices.Contains(mortal, seq) {
			p.TTL = time.Millisecond
		}
		if _, err := n.engine.Publish(n.t.Context(), p); err != nil {
			n.t.Fatal(err)
		}
	}
	eventually(n.t, func() bool { return n.retained(channel) == int(count)-len(mortal) })
}

// retained counts the messages that a channel has left.
func (n *node) retained(channel string) int {
	n.t.Helper()
	messages, _, err := n.engine.Messages(n.t.Context(), channel, 0, 1000, 0)
	if err != nil {
		n.t.Fatal(err)
	}
	return len(messages)
}

// floor waits until nothing up to seq is retained any more.
func (n *node) floor(channel string, seq uint64) {
	n.t.Helper()
	eventually(n.t, func() bool {
		c, err := n.engine.Channel(n.t.Context(), channel)
		if err != nil {
			n.t.Fatal(err)
		}
		return c.Floor >= seq
	})
}

func (c *client) gap(channel string, from, to uint64, reason string) {
	c.t.Helper()
	c.expect("gap", frame{"channel": channel, "from": from, "to": to, "reason": reason})
}

// idle checks that nothing was sent and not read.
func (c *client) idle() {
	c.t.Helper()
	c.send(frame{"type": "ping", "id": 4711})
	c.expect("pong", frame{"id": 4711})
}

func TestGapsOfMessagesWhoseTimeEnded(t *testing.T) {
	for name, interval := range map[string]time.Duration{"still in the store": time.Hour, "removed": 5 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			n := start(t, func(s *setup) { s.RetentionInterval = interval })
			n.away("ada", "a")
			n.publishMortal("a", 10, 1, 2, 5, 6, 9, 10)
			durable, resumed := n.dial("subscriber=ada"), n.dial("")
			durable.expect("connected", nil)
			resumed.expect("connected", nil)
			resumed.subscribe(frame{"channel": "a", "from": 0})
			for _, c := range []*client{durable, resumed} {
				c.gap("a", 1, 2, "expired")
				c.messages("a", 3, 4)
				c.gap("a", 5, 6, "expired")
				c.messages("a", 7, 8)
				c.gap("a", 9, 10, "expired")
				c.idle()
			}
			n.publish("a", `1`)
			durable.messages("a", 11, 11)
			resumed.messages("a", 11, 11)
		})
	}
}

func TestWindowIsNotBlockedByGaps(t *testing.T) {
	n := start(t)
	n.away("ada", "a")
	var mortal []uint64
	for seq := uint64(1); seq <= 100; seq++ {
		if seq%10 != 0 {
			mortal = append(mortal, seq)
		}
	}
	n.publishMortal("a", 100, mortal...)
	c := n.dial("subscriber=ada&restore=none")
	c.expect("connected", nil)
	c.subscribe(frame{"channel": "a", "window": 2})
	for seq := uint64(10); seq <= 20; seq += 10 {
		c.gap("a", seq-9, seq-1, "expired")
		c.messages("a", seq, seq)
	}
	for seq := uint64(30); seq <= 100; seq += 10 {
		c.gap("a", seq-9, seq-1, "expired")
		c.idle()
		c.send(frame{"type": "ack", "channel": "a", "seq": seq - 20})
		c.messages("a", seq, seq)
	}
}

func TestGapIsAckedLikeAMessage(t *testing.T) {
	n := start(t)
	n.away("ada", "a")
	n.publishMortal("a", 3, 1, 2, 3)
	c := n.dial("subscriber=ada")
	c.expect("connected", nil)
	c.gap("a", 1, 3, "expired")
	c.ack("a", 3)
	again := n.dial("subscriber=ada")
	again.expect("connected", nil)
	again.idle()
	n.publish("a", `1`)
	again.messages("a", 4, 4)
}

func TestRetentionWhileAway(t *testing.T) {
	for name, test := range map[string]struct {
		retention push.Retention
		reason    string
		floor     uint64
	}{
		"age":   {push.Retention{Age: 300 * time.Millisecond}, "expired", 10},
		"count": {push.Retention{Messages: 4}, "limit", 6},
		"bytes": {push.Retention{Bytes: 30}, "limit", 7},
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, func(s *setup) {
				s.Namespaces.Default.Retention = test.retention
				s.RetentionInterval = 5 * time.Millisecond
			})
			n.away("ada", "a")
			for range 10 {
				n.publish("a", `"12345678"`)
			}
			n.floor("a", test.floor)
			c := n.dial("subscriber=ada")
			c.expect("connected", nil)
			c.gap("a", 1, test.floor, test.reason)
			c.messages("a", test.floor+1, 10)
			n.publish("a", `"12345678"`)
			c.messages("a", 11, 11)
		})
	}
}

func TestPurgeWhileAway(t *testing.T) {
	n := start(t)
	n.away("ada", "a")
	n.publishMortal("a", 10, 4, 8)
	if _, err := n.engine.PurgeChannel(t.Context(), "a", 5); err != nil {
		t.Fatal(err)
	}
	c := n.dial("subscriber=ada")
	c.expect("connected", nil)
	c.gap("a", 1, 5, "purged")
	c.messages("a", 6, 7)
	c.gap("a", 8, 8, "expired")
	c.messages("a", 9, 10)
	if _, err := n.engine.PurgeChannel(t.Context(), "a", 0); err != nil {
		t.Fatal(err)
	}
	again := n.dial("subscriber=ada")
	f := again.expect("connected", nil)
	if open := f["subscriptions"].([]any)[0].(map[string]any); open["pending"] != 0.0 || open["seq"] != 10.0 {
		t.Fatalf("reopened %v", open)
	}
	again.gap("a", 1, 10, "purged")
	n.publish("a", `1`)
	again.messages("a", 11, 11)
	c.messages("a", 11, 11)
}

func TestPurgeWhileOnline(t *testing.T) {
	n := start(t)
	c := n.dial("subscriber=ada")
	c.expect("connected", nil)
	c.subscribe(frame{"channel": "a", "window": 2})
	for range 6 {
		n.publish("a", `1`)
	}
	c.messages("a", 1, 2)
	if _, err := n.engine.PurgeChannel(t.Context(), "a", 5); err != nil {
		t.Fatal(err)
	}
	c.idle()
	c.send(frame{"type": "ack", "channel": "a", "seq": 2})
	c.gap("a", 3, 5, "purged")
	c.messages("a", 6, 6)
	c.ack("a", 6)
	if _, err := n.engine.PurgeChannel(t.Context(), "a", 0); err != nil {
		t.Fatal(err)
	}
	n.publish("a", `1`)
	c.messages("a", 7, 7)
}
