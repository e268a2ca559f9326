package storetest

import (
	"context"
	"errors"
	"math"
	"sync"

	"pushgate/store"
)

// calls are all methods that can be unavailable, each with work to do.
func (f *fixture) calls() map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Append": func(ctx context.Context) error {
			_, err := f.store.Append(ctx, store.Batch{Messages: []store.Message{text("a", "x"), named("b", "1")}})
			return err
		},
		"Append at a position": func(ctx context.Context) error {
			_, err := f.store.Append(ctx, store.Batch{Messages: []store.Message{text("a", "x")}, Position: records(0, 0, 1)})
			return err
		},
		"Positions": func(ctx context.Context) error {
			_, err := f.store.Positions(ctx, []store.SourceKey{records(0, 0, 0).SourceKey})
			return err
		},
		"Pages": func(ctx context.Context) error {
			_, err := f.store.Pages(ctx, at(0), []store.PageRequest{{Channel: "a", Limit: 10, Bytes: math.MaxInt32}})
			return err
		},
		"Tails": func(ctx context.Context) error {
			_, err := f.store.Tails(ctx, []string{"a"})
			return err
		},
		"FindMessage": func(ctx context.Context) error {
			_, err := f.store.FindMessage(ctx, at(0), "a", "1")
			return err
		},
		"Subscribe": func(ctx context.Context) error {
			_, err := f.store.Subscribe(ctx, []store.NewSubscription{{Subscriber: "new", Channel: "a", Now: at(0)}})
			return err
		},
		"Subscriptions": func(ctx context.Context) error {
			_, err := f.store.Subscriptions(ctx, []string{"s"})
			return err
		},
		"Unsubscribe": func(ctx context.Context) error {
			_, err := f.store.Unsubscribe(ctx, key("s", "a"))
			return err
		},
		"WriteCursors": func(ctx context.Context) error {
			return f.store.WriteCursors(ctx, []store.Cursor{{SubscriptionKey: key("s", "a"), Seq: 2}})
		},
		"Touch": func(ctx context.Context) error {
			return f.store.Touch(ctx, []store.SubscriptionKey{key("s", "a")}, at(9), at(9))
		},
		"ExpireSubscriptions": func(ctx context.Context) error {
			_, err := f.store.ExpireSubscriptions(ctx, "a", at(9), 10)
			return err
		},
		"ListSubscriptions": func(ctx context.Context) error {
			_, err := f.store.ListSubscriptions(ctx, store.SubscriptionQuery{Limit: 10})
			return err
		},
		"Channel": func(ctx context.Context) error {
			_, err := f.store.Channel(ctx, "a")
			return err
		},
		"ListChannels": func(ctx context.Context) error {
			_, err := f.store.ListChannels(ctx, store.ChannelQuery{Limit: 10})
			return err
		},
		"Trim": func(ctx context.Context) error {
			_, err := f.store.Trim(ctx, store.Trim{Channel: "a", PurgeTo: 1, Limit: 1})
			return err
		},
		"ExpireMessages": func(ctx context.Context) error {
			_, _, err := f.store.ExpireMessages(ctx, at(9), 10)
			return err
		},
		"Migrate": func(ctx context.Context) error {
			_, _, err := f.store.Migrate(ctx)
			return err
		},
		"Check": func(ctx context.Context) error {
			_, err := f.store.Check(ctx)
			return err
		},
		"Ping": func(ctx context.Context) error { return f.store.Ping(ctx) },
	}
}

var faultCases = map[string]func(*fixture){
	"a context that is cancelled": func(f *fixture) {
		f.mortal("a", 0, 5)
		f.subscribe("s", "a", store.From{Start: store.StartEarliest})
		ctx, cancel := context.WithCancel(f.ctx)
		cancel()
		for name, call := range f.calls() {
			if err := call(ctx); !errors.Is(err, store.ErrUnavailable) {
				f.Errorf("%s = %v, want ErrUnavailable", name, err)
			}
		}
		// It was over before they began, so nothing took place.
		f.holds("a", 1, 2)
		f.ends("b", 0, 0, "")
		equal(f, "cursor", f.cursor("s", "a"), uint64(0))
		f.unknown(records(0, 0, 0).SourceKey)
		_, ok := f.subscription("new", "a")
		equal(f, "new subscription is there", ok, false)
		// And it harms no later call.
		for _, call := range []string{"Append", "Pages", "Ping"} {
			f.must(f.calls()[call](f.ctx))
		}
	},
	"a context that is cancelled under way": func(f *fixture) {
		stored := f.append(text("a", "x"), text("b", "x"))[0].Seq
		for range 20 {
			ctx, cancel := context.WithCancel(f.ctx)
			var group sync.WaitGroup
			group.Go(cancel)
			results, err := f.store.Append(ctx, store.Batch{Messages: []store.Message{text("a", "x"), text("b", "x")}})
			group.Wait()
			switch {
			case err == nil:
				stored = max(stored, results[0].Seq)
			case !errors.Is(err, store.ErrUnavailable):
				f.Errorf("append = %v, want ErrUnavailable", err)
			}
		}
		last := f.tail("a").LastSeq
		if last < stored {
			f.Fatalf("LastSeq = %d, but %d was answered", last, stored)
		}
		// A cancelled append may still be under way in the store: each look is at
		// one snapshot.
		for _, name := range []string{"a", "b"} {
			described, page := f.channel(name), f.page(name, 0, 1000)
			equal(f, "Messages", described.Messages, described.LastSeq)
			equal(f, "seqs", seqs(page.Messages), span(1, page.LastSeq))
		}
	},
	"after close": func(f *fixture) {
		f.fill("a", 2)
		f.must(f.store.Close())
		for name, call := range f.calls() {
			if err := call(f.ctx); !errors.Is(err, store.ErrUnavailable) {
				f.Errorf("%s = %v, want ErrUnavailable", name, err)
			}
		}
		if err := f.store.Close(); err != nil {
			f.Errorf("Close again: %v", err)
		}
	},
	"close beside calls": func(f *fixture) {
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for range 20 {
					_, err := f.store.Append(f.ctx, store.Batch{Messages: []store.Message{text("a", "x")}})
					if err == nil {
						_, err = f.store.Pages(f.ctx, at(0), []store.PageRequest{{Channel: "a", Limit: 10, Bytes: 100}})
					}
					if err != nil && !errors.Is(err, store.ErrUnavailable) {
						f.Errorf("error = %v, want ErrUnavailable", err)
					}
				}
			})
		}
		for range 2 {
			group.Go(func() {
				if err := f.store.Close(); err != nil {
					f.Errorf("Close: %v", err)
				}
			})
		}
		group.Wait()
	},
	"health": func(f *fixture) {
		f.must(f.store.Ping(f.ctx))
		warnings, err := f.store.Check(f.ctx)
		f.must(err)
		for _, warning := range warnings {
			if warning == "" {
				f.Error("an empty warning")
			}
		}
	},
}
