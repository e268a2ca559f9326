package storetest

import (
	"errors"
	"slices"

	"pushgate/store"
)

// wild are names that a pattern, a collation or a careless concatenation would
// mix up.
var wild = []string{"%", "A", "_", "a", "a%", "a%b", "a_", "aXb", "a_b", "aa", "ab", "a\\", "b", "ä", "äb", "é", "z", "zé", "☃", "☃x", "\U0001F600", "\U0010FFFF", "\U0010FFFFx"}

func startingWith(prefix string) []string {
	names := []string{}
	for _, name := range wild {
		if len(name) >= len(prefix) && name[:len(prefix)] == prefix {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (f *fixture) listChannels(query store.ChannelQuery) []store.Channel {
	f.Helper()
	channels, err := f.store.ListChannels(f.ctx, query)
	f.must(err)
	return channels
}

var channelCases = map[string]func(*fixture){
	"none": func(f *fixture) {
		equal(f, "channels", len(f.listChannels(store.ChannelQuery{Limit: 10})), 0)
		if _, err := f.store.Channel(f.ctx, "a"); !errors.Is(err, store.ErrNotFound) {
			f.Fatalf("error = %v, want ErrNotFound", err)
		}
	},
	"prefixes and pages in byte order": func(f *fixture) {
		for _, name := range wild {
			f.append(text(name, "x"))
		}
		for _, prefix := range []string{"", "a", "a%", "a_", "%", "_", "ä", "é", "☃", "\U0010FFFF", "a\\", "none", "aXb"} {
			for _, limit := range []int{1, 2, 100} {
				want, got := startingWith(prefix), []string{}
				for after := ""; ; {
					page := f.listChannels(store.ChannelQuery{Prefix: prefix, After: after, Limit: limit})
					if len(page) > limit {
						f.Fatalf("%d channels on a page, limit %d", len(page), limit)
					}
					if len(page) == 0 {
						break
					}
					if page[0].Channel <= after {
						f.Fatalf("the page after %q starts with %q", after, page[0].Channel)
					}
					for _, channel := range page {
						got = append(got, channel.Channel)
					}
					after = page[len(page)-1].Channel
				}
				equal(f, "channels with "+prefix, got, want)
			}
		}
	},
	"after a name that is not there": func(f *fixture) {
		f.append(text("a", "x"), text("c", "x"))
		page := f.listChannels(store.ChannelQuery{After: "b", Limit: 10})
		equal(f, "channels", len(page), 1)
		equal(f, "Channel", page[0].Channel, "c")
		page = f.listChannels(store.ChannelQuery{Prefix: "c", After: "a", Limit: 10})
		equal(f, "channels", len(page), 1)
		page = f.listChannels(store.ChannelQuery{Prefix: "a", After: "b", Limit: 10})
		equal(f, "channels", len(page), 0)
	},
	"what a channel says": func(f *fixture) {
		f.fill("a", 5)
		f.append(text("a", "longer"))
		f.trim(store.Trim{Channel: "a", PurgeTo: 2, Limit: 1})
		f.subscribe("s", "a", store.From{})
		f.subscribe("t", "a", store.From{})
		f.subscribe("s", "b", store.From{})
		counted := f.listChannels(store.ChannelQuery{Limit: 10, CountSubscriptions: true})
		plain := f.listChannels(store.ChannelQuery{Limit: 10})
		equal(f, "channels", len(counted), 2)
		for i, name := range []string{"a", "b"} {
			equal(f, "listed and described", counted[i], f.channel(name))
			equal(f, "Subscriptions", counted[i].Subscriptions, uint64(2-i))
			equal(f, "Subscriptions not counted", plain[i].Subscriptions, uint64(0))
			plain[i].Subscriptions = counted[i].Subscriptions
			equal(f, "not counted", plain[i], counted[i])
		}
		a := counted[0]
		equal(f, "Tail", a.Tail, f.tail("a"))
		equal(f, "Removable", a.Removable, true)
		f.sameTime("OldestTime", a.OldestTime, at(3))
		f.trimAll(store.Trim{Channel: "a", Limit: 10})
		f.holds("a", span(3, 6)...)
	},
}

func (f *fixture) listSubscriptions(query store.SubscriptionQuery) []store.Subscription {
	f.Helper()
	subs, err := f.store.ListSubscriptions(f.ctx, query)
	f.must(err)
	return subs
}

var subscriptionCases = map[string]func(*fixture){
	"filters and pages in byte order": func(f *fixture) {
		names := []string{"A", "a", "a%", "ab", "b", "ä", "☃"}
		// Channels are created in an order that is not that of their names.
		for _, channel := range slices.Backward(names) {
			for _, subscriber := range names {
				if subscriber != channel {
					f.subscribe(subscriber, channel, store.From{})
				}
			}
		}
		for _, query := range []store.SubscriptionQuery{
			{}, {Subscriber: "a"}, {Subscriber: "☃"}, {Subscriber: "none"}, {Channel: "a"}, {Channel: "ä"}, {Channel: "none"},
			{Subscriber: "a", Channel: "b"}, {Subscriber: "a", Channel: "a"}, {Subscriber: "%"},
		} {
			want := []store.SubscriptionKey{}
			for _, subscriber := range names {
				for _, channel := range names {
					if subscriber != channel && (query.Subscriber == "" || query.Subscriber == subscriber) &&
						(query.Channel == "" || query.Channel == channel) {
						want = append(want, key(subscriber, channel))
					}
				}
			}
			for _, query.Limit = range []int{1, 4, 1000} {
				got := []store.SubscriptionKey{}
				for query.After = key("", ""); ; query.After = got[len(got)-1] {
					page := f.listSubscriptions(query)
					if len(page) > query.Limit {
						f.Fatalf("%d subscriptions on a page, limit %d", len(page), query.Limit)
					}
					if len(page) == 0 {
						break
					}
					if got = append(got, keys(page)...); len(got) > len(want) {
						f.Fatalf("subscriptions = %+v, want %+v", got, want)
					}
				}
				equal(f, "subscriptions", got, want)
			}
		}
	},
	"after a key that is not there": func(f *fixture) {
		f.subscribe("a", "x", store.From{})
		f.subscribe("c", "a", store.From{})
		page := f.listSubscriptions(store.SubscriptionQuery{After: key("b", "z"), Limit: 10})
		equal(f, "subscriptions", keys(page), []store.SubscriptionKey{key("c", "a")})
	},
	"what a subscription says": func(f *fixture) {
		f.subscribe("s", "a", store.From{})
		f.fill("a", 6)
		f.ack("s", "a", 2)
		sub := f.listSubscriptions(store.SubscriptionQuery{Limit: 10})[0]
		equal(f, "Cursor", sub.Cursor, uint64(2))
		equal(f, "StartSeq", sub.StartSeq, uint64(0))
		equal(f, "Tail", sub.Tail, f.tail("a"))
		equal(f, "Existed", sub.Existed, true)
		f.sameTime("Created", sub.Created, at(0))
		f.sameTime("OldestPending", sub.OldestPending, at(3))
		f.trim(store.Trim{Channel: "a", PurgeTo: 4, Limit: 1})
		f.sameTime("OldestPending", f.listSubscriptions(store.SubscriptionQuery{Limit: 10})[0].OldestPending, at(5))
		f.ack("s", "a", 6)
		equal(f, "OldestPending is zero", f.listSubscriptions(store.SubscriptionQuery{Limit: 10})[0].OldestPending.IsZero(), true)
	},
}
