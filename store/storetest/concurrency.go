package storetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"pushgate/store"
)

var concurrencyCases = map[string]func(*fixture){
	"writers over the same channels, readers see no hole": func(f *fixture) {
		writersAndReaders(f, []Store{f.store})
	},
	"appends beside trims, subscriptions and cursors": func(f *fixture) {
		everythingAtOnce(f)
	},
}

const (
	writers  = 6
	rounds   = 25
	batches  = 100 // of each writer
	channels = 5
)

func channelName(i int) string { return fmt.Sprintf("channel-%d", i) }

// writersAndReaders has writers append batches that name the channels in
// different orders, while readers poll each channel and never see a seq before
// all smaller ones.
func writersAndReaders(f *fixture, stores []Store) {
	var written [channels]atomic.Uint64
	var done atomic.Bool
	var group, readers sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(w)))
			s := stores[w%len(stores)]
			for round := range batches {
				var batch store.Batch
				for range 1 + random.IntN(20) {
					m := text(channelName(random.IntN(channels)), "x")
					if random.IntN(3) == 0 {
						m.ID = fmt.Sprintf("%d/%d/%d", w, round, len(batch.Messages))
					}
					batch.Messages = append(batch.Messages, m)
				}
				results, err := s.Append(f.ctx, batch)
				if err != nil {
					f.Errorf("append: %v", err)
					return
				}
				checkConsecutive(f, batch, results)
				for _, m := range batch.Messages {
					var i int
					if _, err := fmt.Sscanf(m.Channel, "channel-%d", &i); err != nil {
						f.Error(err)
					}
					written[i].Add(1)
				}
			}
		})
	}
	for i := range channels {
		readers.Go(func() { followWithoutHole(f, stores[i%len(stores)], channelName(i), &done) })
	}
	group.Wait()
	done.Store(true)
	readers.Wait()
	for i := range channels {
		n := written[i].Load()
		f.ends(channelName(i), 0, n, "")
		f.holds(channelName(i), span(1, n)...)
	}
}

// checkConsecutive checks that a batch's messages of one channel follow each other.
func checkConsecutive(f *fixture, batch store.Batch, results []store.Appended) {
	last := map[string]uint64{}
	for i, result := range results {
		channel := batch.Messages[i].Channel
		if before, ok := last[channel]; ok && result.Seq != before+1 {
			f.Errorf("%s: seq %d follows %d within a batch", channel, result.Seq, before)
		}
		last[channel] = result.Seq
	}
}

// followWithoutHole reads a channel to its end again and again, once more after done.
func followWithoutHole(f *fixture, s Store, channel string, done *atomic.Bool) {
	var position uint64
	for last := false; !last; {
		last = done.Load()
		for more := true; more; {
			tails, err := s.Tails(f.ctx, []string{channel})
			if err != nil {
				f.Errorf("tails: %v", err)
				return
			}
			pages, err := s.Pages(f.ctx, at(0), []store.PageRequest{{Channel: channel, After: position, Limit: 7, Bytes: math.MaxInt32}})
			if err != nil {
				f.Errorf("pages: %v", err)
				return
			}
			for _, m := range pages[0].Messages {
				if m.Seq != position+1 {
					f.Errorf("%s: seq %d follows %d", channel, m.Seq, position)
					return
				}
				position = m.Seq
			}
			if more = pages[0].More; more && len(pages[0].Messages) == 0 {
				f.Errorf("%s: an empty page after %d promises more", channel, position)
				return
			}
			if pages[0].LastSeq < tails[0].LastSeq || !more && position != pages[0].LastSeq {
				f.Errorf("%s: page to %d, its tail %+v, the tail before %+v", channel, position, pages[0].Tail, tails[0])
				return
			}
		}
	}
}

// everythingAtOnce has every kind of write meet every other; afterwards the
// counters are exact.
func everythingAtOnce(f *fixture) {
	names := make([]string, channels)
	for i := range names {
		names[i] = channelName(i)
		f.fill(names[i], 3)
		f.subscribe("s", names[i], store.From{})
	}
	work := func(name string, step func(round int, channel string) error) func() {
		return func() {
			for round := range rounds {
				for i := range names {
					// Half of the workers go the other way round.
					channel := names[i]
					if len(name)%2 == 0 {
						channel = names[len(names)-1-i]
					}
					if err := step(round, channel); err != nil {
						f.Errorf("%s: %v", name, err)
						return
					}
				}
			}
		}
	}
	everywhere := func(reverse bool) (batch store.Batch, cursors []store.Cursor, subs []store.NewSubscription) {
		for i := range names {
			channel := names[i]
			if reverse {
				channel = names[len(names)-1-i]
			}
			mortal := text(channel, "xyz")
			mortal.Expires = at(5)
			batch.Messages = append(batch.Messages, text(channel, "x"), mortal, named(channel, "same"))
			cursors = append(cursors, store.Cursor{SubscriptionKey: key("s", channel), Seq: 3})
			subs = append(subs, store.NewSubscription{Subscriber: "s", Channel: channel, Now: at(1)})
		}
		return batch, cursors, subs
	}
	var group sync.WaitGroup
	for _, worker := range []func(){
		work("append", func(round int, _ string) error {
			batch, _, _ := everywhere(round%2 == 0)
			_, err := f.store.Append(f.ctx, batch)
			return err
		}),
		work("append too", func(round int, _ string) error {
			batch, _, _ := everywhere(round%2 == 1)
			_, err := f.store.Append(f.ctx, batch)
			return err
		}),
		work("subscribe", func(round int, channel string) error {
			_, _, subs := everywhere(round%2 == 0)
			if _, err := f.store.Subscribe(f.ctx, subs); err != nil {
				return err
			}
			_, err := f.store.Unsubscribe(f.ctx, key("s", channel))
			return err
		}),
		work("cursors", func(round int, _ string) error {
			_, cursors, _ := everywhere(round%2 == 0)
			return f.store.WriteCursors(f.ctx, cursors)
		}),
		work("touch", func(_ int, channel string) error {
			return f.store.Touch(f.ctx, []store.SubscriptionKey{key("s", channel), key("s", names[0])}, at(2), at(2))
		}),
		work("trim", func(_ int, channel string) error {
			_, err := f.store.Trim(f.ctx, store.Trim{Channel: channel, KeepMessages: 20, Limit: 7})
			return err
		}),
		work("expire", func(int, string) error {
			_, _, err := f.store.ExpireMessages(f.ctx, at(5), 5)
			return err
		}),
		work("expire subscriptions", func(_ int, channel string) error {
			_, err := f.store.ExpireSubscriptions(f.ctx, channel, at(1), 5)
			return err
		}),
	} {
		group.Go(worker)
	}
	group.Wait()
	if f.Failed() {
		f.FailNow()
	}
	f.expireAll(at(5), 1000)
	for _, name := range names {
		f.trimAll(store.Trim{Channel: name, KeepMessages: 10, Limit: 1000})
		described := f.channel(name)
		f.holds(name, seqs(f.page(name, 0, 1000).Messages)...)
		if described.Messages > 10 {
			f.Errorf("%s holds %d messages after a trim to 10", name, described.Messages)
		}
	}
}
