package storetest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"pushgate/store"
)

var cursorCases = map[string]func(*fixture){
	"forward only": func(f *fixture) {
		f.subscribe("s", "a", store.From{})
		f.fill("a", 10)
		for _, test := range []struct{ seq, want uint64 }{
			{3, 3}, {2, 3}, {3, 3}, {0, 3}, {10, 10}, {11, 10}, {9, 10}, {math.MaxUint64, 10},
		} {
			f.ack("s", "a", test.seq)
			equal(f, fmt.Sprintf("cursor after %d", test.seq), f.cursor("s", "a"), test.want)
		}
		sub, _ := f.subscription("s", "a")
		equal(f, "StartSeq", sub.StartSeq, uint64(0))
		equal(f, "Pending", sub.Pending(), uint64(0))
	},
	"never past the newest": func(f *fixture) {
		f.subscribe("s", "a", store.From{})
		f.ack("s", "a", 1)
		equal(f, "cursor", f.cursor("s", "a"), uint64(0))
		f.fill("a", 1)
		equal(f, "cursor", f.cursor("s", "a"), uint64(0))
	},
	"never for a missing subscription": func(f *fixture) {
		f.subscribe("s", "a", store.From{})
		f.fill("a", 3)
		f.fill("b", 3)
		f.ack("s", "b", 2)
		f.ack("t", "a", 2)
		f.ack("s", "none", 1)
		for _, k := range []store.SubscriptionKey{key("s", "b"), key("t", "a"), key("s", "none")} {
			_, ok := f.subscription(k.Subscriber, k.Channel)
			equal(f, "is there", ok, false)
		}
		equal(f, "cursor", f.cursor("s", "a"), uint64(0))
	},
	"several at once": func(f *fixture) {
		f.fill("a", 9)
		f.fill("b", 9)
		for _, s := range []string{"s", "t"} {
			f.subscribe(s, "a", store.From{Start: store.StartEarliest})
			f.subscribe(s, "b", store.From{Start: store.StartEarliest})
		}
		move := func(s, channel string, seq uint64) store.Cursor {
			return store.Cursor{SubscriptionKey: key(s, channel), Seq: seq}
		}
		// The same key more than once: the highest that is allowed counts.
		f.must(f.store.WriteCursors(f.ctx, []store.Cursor{
			move("s", "a", 4), move("x", "a", 9), move("t", "b", 5), move("s", "b", 99), move("s", "none", 1),
			move("s", "a", 7), move("s", "a", 6), move("t", "b", 10),
		}))
		equal(f, "cursor", f.cursor("s", "a"), uint64(7))
		equal(f, "cursor", f.cursor("t", "b"), uint64(5))
		equal(f, "cursor", f.cursor("s", "b"), uint64(0))
		equal(f, "cursor", f.cursor("t", "a"), uint64(0))
	},
	"below a floor that has moved": func(f *fixture) {
		f.fill("a", 10)
		f.subscribe("s", "a", store.From{Start: store.StartEarliest})
		f.trimAll(store.Trim{Channel: "a", KeepMessages: 4, Limit: 10})
		sub, _ := f.subscription("s", "a")
		equal(f, "Cursor", sub.Cursor, uint64(0))
		equal(f, "Pending", sub.Pending(), uint64(4))
		f.ack("s", "a", 2)
		equal(f, "cursor", f.cursor("s", "a"), uint64(2))
	},
}

// idle expires the subscriptions of a channel and answers their subscribers, sorted.
func (f *fixture) idle(channel string, before time.Time, limit int) []string {
	f.Helper()
	keys, err := f.store.ExpireSubscriptions(f.ctx, channel, before, limit)
	f.must(err)
	names := []string{}
	for _, k := range keys {
		equal(f, "Channel", k.Channel, channel)
		names = append(names, k.Subscriber)
	}
	slices.Sort(names)
	return names
}

var touchCases = map[string]func(*fixture){
	"expire what nobody uses": func(f *fixture) {
		for i, s := range []string{"s0", "s1", "s2", "s3"} {
			_, err := f.store.Subscribe(f.ctx, []store.NewSubscription{
				{Subscriber: s, Channel: "a", Now: at(i)}, {Subscriber: s, Channel: "b", Now: at(0)},
			})
			f.must(err)
		}
		equal(f, "expired", f.idle("a", at(0), 10), []string{})
		equal(f, "expired", f.idle("none", at(99), 10), []string{})
		equal(f, "expired", f.idle("a", at(2), 10), []string{"s0", "s1"})
		equal(f, "expired", f.idle("a", at(2), 10), []string{})
		_, ok := f.subscription("s1", "a")
		equal(f, "is there", ok, false)
		_, ok = f.subscription("s1", "b")
		equal(f, "of another channel is there", ok, true)
		_, ok = f.subscription("s2", "a")
		equal(f, "one in use is there", ok, true)
		equal(f, "Existed", f.subscribe("s1", "a", store.From{}).Existed, false)
	},
	"in steps": func(f *fixture) {
		want := []string{}
		for i := range 5 {
			name := fmt.Sprintf("s%d", i)
			want = append(want, name)
			f.subscribe(name, "a", store.From{})
		}
		got := []string{}
		for _, size := range []int{2, 2, 1, 0} {
			step := f.idle("a", at(1), 2)
			equal(f, "expired by a step", len(step), size)
			got = append(got, step...)
		}
		slices.Sort(got)
		equal(f, "expired", got, want)
	},
	"a touch keeps it": func(f *fixture) {
		f.subscribe("s", "a", store.From{})
		f.subscribe("t", "a", store.From{})
		f.must(f.store.Touch(f.ctx, []store.SubscriptionKey{key("s", "a"), key("x", "a"), key("s", "none")}, at(50), at(40)))
		equal(f, "expired", f.idle("a", at(50), 10), []string{"t"})
		equal(f, "expired", f.idle("a", at(51), 10), []string{"s"})
	},
	"one that is fresh is not written": func(f *fixture) {
		f.subscribe("s", "a", store.From{})
		f.must(f.store.Touch(f.ctx, []store.SubscriptionKey{key("s", "a")}, at(50), at(0)))
		equal(f, "expired", f.idle("a", at(1), 10), []string{"s"})
	},
	"never back": func(f *fixture) {
		f.subscribe("s", "a", store.From{})
		f.must(f.store.Touch(f.ctx, []store.SubscriptionKey{key("s", "a")}, at(50), at(50)))
		f.must(f.store.Touch(f.ctx, []store.SubscriptionKey{key("s", "a")}, at(20), at(60)))
		f.subscribe("s", "a", store.From{})
		equal(f, "expired", f.idle("a", at(50), 10), []string{})
	},
	"subscribe counts as a use": func(f *fixture) {
		f.subscribe("s", "a", store.From{})
		_, err := f.store.Subscribe(f.ctx, []store.NewSubscription{{Subscriber: "s", Channel: "a", Now: at(50)}})
		f.must(err)
		equal(f, "expired", f.idle("a", at(50), 10), []string{})
		equal(f, "expired", f.idle("a", at(51), 10), []string{"s"})
	},
}
