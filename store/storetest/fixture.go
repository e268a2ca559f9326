package storetest

import (
	"context"
	"math"
	"reflect"
	"testing"
	"time"

	"pushgate/store"
)

// fixture is a migrated store, with calls that end the test when they fail.
type fixture struct {
	*testing.T
	ctx   context.Context
	store Store
}

func newFixture(t *testing.T, s Store) *fixture {
	f := &fixture{T: t, ctx: t.Context(), store: s}
	if _, _, err := s.Migrate(f.ctx); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	return f
}

// at is a moment of the tests' own calendar.
func at(second int) time.Time { return time.Unix(1_700_000_000+int64(second), 0).UTC() }

func equal[T any](f *fixture, what string, got, want T) {
	f.Helper()
	if !reflect.DeepEqual(got, want) {
		f.Fatalf("%s = %+v, want %+v", what, got, want)
	}
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// text is a plain message, published at second 0.
func text(channel, data string) store.Message {
	return store.Message{Channel: channel, Data: []byte(data), Time: at(0)}
}

func (f *fixture) append(messages ...store.Message) []store.Appended {
	f.Helper()
	results, err := f.store.Append(f.ctx, store.Batch{Messages: messages})
	f.must(err)
	equal(f, "number of results", len(results), len(messages))
	return results
}

// fill appends n messages of one byte; message i is published at second i.
func (f *fixture) fill(channel string, n int) {
	f.Helper()
	messages := make([]store.Message, n)
	for i := range messages {
		messages[i] = text(channel, "x")
		messages[i].Time = at(i + 1)
	}
	f.append(messages...)
}

func (f *fixture) pages(now time.Time, requests ...store.PageRequest) []store.Page {
	f.Helper()
	pages, err := f.store.Pages(f.ctx, now, requests)
	f.must(err)
	equal(f, "number of pages", len(pages), len(requests))
	return pages
}

func (f *fixture) page(channel string, after uint64, limit int) store.Page {
	f.Helper()
	return f.pages(at(0), store.PageRequest{Channel: channel, After: after, Limit: limit, Bytes: math.MaxInt32})[0]
}

func seqs(messages []store.Message) []uint64 {
	numbers := make([]uint64, len(messages))
	for i, m := range messages {
		numbers[i] = m.Seq
	}
	return numbers
}

// span is from, from+1 … to.
func span(from, to uint64) []uint64 {
	numbers := []uint64{}
	for seq := from; seq <= to; seq++ {
		numbers = append(numbers, seq)
	}
	return numbers
}

func (f *fixture) tail(channel string) store.Tail {
	f.Helper()
	tails, err := f.store.Tails(f.ctx, []string{channel})
	f.must(err)
	equal(f, "number of tails", len(tails), 1)
	return tails[0]
}

// ends checks where a channel begins and ends.
func (f *fixture) ends(channel string, floor, last uint64, why store.Reason) {
	f.Helper()
	tail := f.tail(channel)
	equal(f, "tail", tail, store.Tail{Channel: channel, Epoch: tail.Epoch, LastSeq: last, Floor: floor, FloorReason: why})
}

func (f *fixture) channel(name string) store.Channel {
	f.Helper()
	channel, err := f.store.Channel(f.ctx, name)
	f.must(err)
	return channel
}

// holds checks that a channel has exactly these messages, on one page and in
// its counters.
func (f *fixture) holds(channel string, want ...uint64) {
	f.Helper()
	page := f.page(channel, 0, len(want)+100)
	got := seqs(page.Messages)
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			f.Fatalf("%s has %d messages, want %d; from number %d on they are %v, want %v",
				channel, len(got), len(want), i, start(got, i), start(want, i))
		}
	}
	equal(f, "More", page.More, false)
	described := f.channel(channel)
	var size uint64
	var oldest time.Time
	for i, m := range page.Messages {
		size += uint64(len(m.Data))
		if i == 0 {
			oldest = m.Time
		}
	}
	equal(f, "Messages", described.Messages, uint64(len(want)))
	equal(f, "Bytes", described.Bytes, size)
	equal(f, "Removable", described.Removable, false)
	f.sameTime("OldestTime", described.OldestTime, oldest)
	equal(f, "Tail of the page", page.Tail, described.Tail)
}

// start is a few numbers from i on.
func start(numbers []uint64, i int) []uint64 {
	from := min(i, len(numbers))
	return numbers[from:min(from+5, len(numbers))]
}

func (f *fixture) trim(trim store.Trim) store.Trimmed {
	f.Helper()
	trimmed, err := f.store.Trim(f.ctx, trim)
	f.must(err)
	return trimmed
}

func (f *fixture) expire(now time.Time, limit int) (deleted int, more bool) {
	f.Helper()
	deleted, more, err := f.store.ExpireMessages(f.ctx, now, limit)
	f.must(err)
	return deleted, more
}

func (f *fixture) subscribe(subscriber, channel string, from store.From) store.Subscription {
	f.Helper()
	subs, err := f.store.Subscribe(f.ctx, []store.NewSubscription{{Subscriber: subscriber, Channel: channel, From: from, Now: at(0)}})
	f.must(err)
	equal(f, "number of subscriptions", len(subs), 1)
	return subs[0]
}

func (f *fixture) ack(subscriber, channel string, seq uint64) {
	f.Helper()
	f.must(f.store.WriteCursors(f.ctx, []store.Cursor{{SubscriptionKey: key(subscriber, channel), Seq: seq}}))
}

func key(subscriber, channel string) store.SubscriptionKey {
	return store.SubscriptionKey{Subscriber: subscriber, Channel: channel}
}

// subscription reads one subscription back; false if it is not there.
func (f *fixture) subscription(subscriber, channel string) (store.Subscription, bool) {
	f.Helper()
	subs, err := f.store.Subscriptions(f.ctx, []string{subscriber})
	f.must(err)
	for _, sub := range subs {
		if sub.Channel == channel {
			return sub, true
		}
	}
	return store.Subscription{}, false
}

func (f *fixture) cursor(subscriber, channel string) uint64 {
	f.Helper()
	sub, ok := f.subscription(subscriber, channel)
	if !ok {
		f.Fatalf("no subscription of %s to %s", subscriber, channel)
	}
	return sub.Cursor
}

// sameTime compares moments, whatever their time zone.
func (f *fixture) sameTime(what string, got, want time.Time) {
	f.Helper()
	if !got.Equal(want) {
		f.Fatalf("%s = %v, want %v", what, got, want)
	}
}
