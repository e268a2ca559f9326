package ws_test

import "testing"

// A connection that only listens must not wait for acks of messages that the
// subscriber has acked over another connection before they reached this one.
func TestListeningConnectionFollowsAcksOfAnother(t *testing.T) {
	n := start(t)
	first := n.dial("subscriber=ada&restore=none")
	first.expect("connected", nil)
	first.subscribe(frame{"channel": "a", "from": "earliest"})
	second := n.dial("subscriber=ada&restore=none")
	second.expect("connected", nil)
	second.subscribe(frame{"channel": "a", "window": 3})
	for range 10 {
		n.publish("a", `1`)
	}
	first.messages("a", 1, 10)
	second.messages("a", 1, 3)
	first.ack("a", 10)
	second.messages("a", 4, 10)
	n.publish("a", `1`)
	second.messages("a", 11, 11)
	first.messages("a", 11, 11)
	second.send(frame{"type": "ack", "channel": "a", "seq": 12})
	second.expect("error", frame{"code": "invalid_argument"})
	second.ack("a", 11)
	third := n.dial("subscriber=ada")
	f := third.expect("connected", nil)
	if open := f["subscriptions"].([]any)[0].(map[string]any); open["cursor"] != 11.0 || open["pending"] != 0.0 {
		t.Fatalf("reopened %v", open)
	}
}
