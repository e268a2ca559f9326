package push

import (
	"math/rand/v2"
	"testing"
)

// Subscriptions of one channel that are less than a page apart share a read, and
// every subscription is in exactly one that serves it.
func TestPlan(t *testing.T) {
	session := &Session{}
	a, b := &channel{name: "a"}, &channel{name: "b"}
	place := func(c *channel, sent uint64) *subscription {
		return &subscription{session: session, channel: c, sent: sent}
	}
	subs := []*subscription{
		place(b, 5), place(a, 1000), place(a, 0), place(a, pageMessages-1), place(a, pageMessages), place(b, 5),
	}
	rand.Shuffle(len(subs), func(i, j int) { subs[i], subs[j] = subs[j], subs[i] })
	reads := plan(subs)
	want := []struct {
		channel *channel
		after   uint64
		subs    int
	}{{a, 0, 2}, {a, pageMessages, 1}, {a, 1000, 1}, {b, 5, 2}}
	if len(reads) != len(want) {
		t.Fatalf("%d reads, want %d", len(reads), len(want))
	}
	seen := make(map[*subscription]bool)
	for i, r := range reads {
		if r.channel != want[i].channel || r.after != want[i].after || len(r.subs) != want[i].subs {
			t.Errorf("read %d: %s after %d for %d, want %+v", i, r.channel.name, r.after, len(r.subs), want[i])
		}
		for _, s := range r.subs {
			if seen[s] || s.channel != r.channel || s.sent < r.after || s.sent >= r.after+pageMessages {
				t.Errorf("read %d of %s after %d serves %s at %d", i, r.channel.name, r.after, s.channel.name, s.sent)
			}
			seen[s] = true
		}
	}
	if len(seen) != len(subs) {
		t.Errorf("%d of %d are served", len(seen), len(subs))
	}
}
