package storetest

import (
	"sync"

	"pushgate/store"
)

var subscribeCases = map[string]func(*fixture){
	"nothing": func(f *fixture) {
		subs, err := f.store.Subscribe(f.ctx, nil)
		f.must(err)
		equal(f, "number of subscriptions", len(subs), 0)
		subs, err = f.store.Subscriptions(f.ctx, nil)
		f.must(err)
		equal(f, "number of subscriptions", len(subs), 0)
		f.must(f.store.WriteCursors(f.ctx, nil))
		f.must(f.store.Touch(f.ctx, nil, at(0), at(0)))
	},
	"where it starts": func(f *fixture) {
		f.fill("a", 10)
		f.trimAll(store.Trim{Channel: "a", KeepMessages: 6, Limit: 10})
		for name, test := range map[string]struct {
			from store.From
			want uint64
		}{
			"new":             {store.From{Start: store.StartNew}, 10},
			"new, seq unused": {store.From{Start: store.StartNew, Seq: 5}, 10},
			"earliest":        {store.From{Start: store.StartEarliest}, 4},
			"after":           {store.From{Start: store.StartAfter, Seq: 7}, 7},
			"after 0":         {store.From{Start: store.StartAfter}, 4},
			"after removed":   {store.From{Start: store.StartAfter, Seq: 3}, 4},
			"after newest":    {store.From{Start: store.StartAfter, Seq: 10}, 10},
			"after future":    {store.From{Start: store.StartAfter, Seq: 1<<64 - 1}, 10},
		} {
			sub := f.subscribe(name, "a", test.from)
			equal(f, name, sub, store.Subscription{
				Subscriber: name, Tail: f.tail("a"), Cursor: test.want, StartSeq: test.want, Created: sub.Created,
			})
			f.sameTime("Created", sub.Created, at(0))
			equal(f, name+": pending", sub.Pending(), 10-test.want)
		}
	},
	"creates its channel": func(f *fixture) {
		epoch := f.tail("a").Epoch
		for _, start := range []store.Start{store.StartNew, store.StartEarliest, store.StartAfter} {
			sub := f.subscribe(string('x'+rune(start)), "a", store.From{Start: start, Seq: 5})
			equal(f, "Cursor", sub.Cursor, uint64(0))
			equal(f, "Tail", sub.Tail, store.Tail{Channel: "a", Epoch: epoch})
		}
		described := f.channel("a")
		equal(f, "Subscriptions", described.Subscriptions, uint64(3))
		equal(f, "Tail", described.Tail, store.Tail{Channel: "a", Epoch: epoch})
		equal(f, "Seq of the first", f.append(text("a", "x"))[0].Seq, uint64(1))
	},
	"one that is there": func(f *fixture) {
		first := f.subscribe("s", "a", store.From{})
		f.fill("a", 5)
		f.ack("s", "a", 2)
		subs, err := f.store.Subscribe(f.ctx, []store.NewSubscription{
			{Subscriber: "s", Channel: "a", From: store.From{Start: store.StartAfter, Seq: 4}, Now: at(50)},
		})
		f.must(err)
		want := first
		want.Existed, want.Cursor, want.LastSeq = true, 2, 5
		f.sameTime("Created", subs[0].Created, first.Created)
		want.Created = subs[0].Created
		equal(f, "subscription", subs[0], want)
		got, _ := f.subscription("s", "a")
		f.sameTime("Created", got.Created, at(0))
	},
	"several at once": func(f *fixture) {
		f.fill("b", 3)
		f.subscribe("old", "b", store.From{})
		request := func(subscriber, channel string) store.NewSubscription {
			return store.NewSubscription{Subscriber: subscriber, Channel: channel, From: store.From{Start: store.StartEarliest}, Now: at(1)}
		}
		subs, err := f.store.Subscribe(f.ctx, []store.NewSubscription{
			request("s", "b"), request("s", "a"), request("old", "b"), request("t", "b"), request("s", "b"), request("s", "a"),
		})
		f.must(err)
		for i, want := range []struct {
			key    store.SubscriptionKey
			cursor uint64
		}{
			{key("s", "b"), 0}, {key("s", "a"), 0}, {key("old", "b"), 3}, {key("t", "b"), 0}, {key("s", "b"), 0}, {key("s", "a"), 0},
		} {
			equal(f, "Key", subs[i].Key(), want.key)
			equal(f, "Cursor", subs[i].Cursor, want.cursor)
		}
		equal(f, "Existed", subs[2].Existed, true)
		equal(f, "Existed", subs[0].Existed || subs[1].Existed || subs[3].Existed, false)
		equal(f, "Subscriptions", f.channel("b").Subscriptions, uint64(3))
		equal(f, "Subscriptions", f.channel("a").Subscriptions, uint64(1))
	},
	"the same from many goroutines": func(f *fixture) {
		const callers = 16
		created := make([]int, callers)
		var group sync.WaitGroup
		for i := range callers {
			group.Go(func() {
				subs, err := f.store.Subscribe(f.ctx, []store.NewSubscription{
					{Subscriber: "s", Channel: "a", Now: at(0)}, {Subscriber: "s", Channel: "b", Now: at(0)},
				})
				if err != nil {
					f.Errorf("subscribe: %v", err)
					return
				}
				for _, sub := range subs {
					if !sub.Existed {
						created[i]++
					}
				}
			})
		}
		group.Wait()
		sum := 0
		for _, n := range created {
			sum += n
		}
		equal(f, "created", sum, 2)
	},
	"unsubscribe": func(f *fixture) {
		f.subscribe("s", "a", store.From{})
		f.subscribe("s", "b", store.From{})
		f.fill("a", 3)
		for _, test := range []struct {
			key  store.SubscriptionKey
			want bool
		}{{key("s", "a"), true}, {key("s", "a"), false}, {key("x", "b"), false}, {key("s", "none"), false}} {
			existed, err := f.store.Unsubscribe(f.ctx, test.key)
			f.must(err)
			equal(f, "existed", existed, test.want)
		}
		_, ok := f.subscription("s", "a")
		equal(f, "is there", ok, false)
		_, ok = f.subscription("s", "b")
		equal(f, "the other is there", ok, true)
		f.holds("a", 1, 2, 3)
		again := f.subscribe("s", "a", store.From{Start: store.StartAfter, Seq: 1})
		equal(f, "Existed", again.Existed, false)
		equal(f, "Cursor", again.Cursor, uint64(1))
	},
	"of several subscribers": func(f *fixture) {
		for _, k := range []store.SubscriptionKey{
			key("t", "b"), key("s", "b"), key("s", "a"), key("s", "Z"), key("ä", "a"), key("other", "a"), key("S", "a"),
		} {
			f.subscribe(k.Subscriber, k.Channel, store.From{})
		}
		subs, err := f.store.Subscriptions(f.ctx, []string{"ä", "t", "s", "none", "S", "s"})
		f.must(err)
		equal(f, "keys", keys(subs), []store.SubscriptionKey{
			key("S", "a"), key("s", "Z"), key("s", "a"), key("s", "b"), key("t", "b"), key("ä", "a"),
		})
		for _, sub := range subs {
			equal(f, "Existed", sub.Existed, true)
			equal(f, "Tail", sub.Tail, f.tail(sub.Channel))
		}
	},
}

func keys(subs []store.Subscription) []store.SubscriptionKey {
	names := []store.SubscriptionKey{}
	for _, sub := range subs {
		names = append(names, sub.Key())
	}
	return names
}
