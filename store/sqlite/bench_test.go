package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"pushgate/store"
	"pushgate/store/sqlite"
)

const (
	benchChannels = 10_000
	benchPayload  = 128
)

func openMigrated(b *testing.B) *sqlite.Store {
	s := open(b, filepath.Join(b.TempDir(), "store.db"), sqlite.Options{})
	if _, _, err := s.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	return s
}

func appendAll(b *testing.B, s *sqlite.Store, batch store.Batch) {
	if _, err := s.Append(b.Context(), batch); err != nil {
		b.Fatal(err)
	}
}

func batchOf(n int, channel func(int) string) store.Batch {
	batch := store.Batch{Messages: make([]store.Message, n)}
	for i := range batch.Messages {
		batch.Messages[i] = store.Message{Channel: channel(i), Data: make([]byte, benchPayload), Time: time.Unix(1_700_000_000, 0)}
	}
	return batch
}

func channelName(i int) string { return fmt.Sprintf("user/%d", i) }

// BenchmarkAppend measures synced commits; every operation is one batch.
func BenchmarkAppend(b *testing.B) {
	for _, spread := range []struct {
		name     string
		channels int
	}{{"hot", 1}, {"scattered", benchChannels}} {
		for _, kind := range []string{"plain", "ids", "at a position"} {
			for _, size := range []int{1, 64, 512} {
				b.Run(fmt.Sprintf("%s/%s/batch=%d", spread.name, kind, size), func(b *testing.B) {
					s := openMigrated(b)
					appendAll(b, s, batchOf(spread.channels, channelName))
					next := 0
					for b.Loop() {
						// A stride that is prime to the number of channels visits all of them, out of order.
						batch := batchOf(size, func(i int) string { return channelName((next + i) * 7919 % spread.channels) })
						for i := range batch.Messages {
							if kind == "ids" {
								batch.Messages[i].ID = fmt.Sprintf("order-%d", next+i)
							}
						}
						if kind == "at a position" {
							key := store.SourceKey{Source: "s", Topic: "t"}
							batch.Position = &store.Position{SourceKey: key, First: int64(next), Next: int64(next + size)}
						}
						next += size
						appendAll(b, s, batch)
					}
					b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "messages/s")
				})
			}
		}
	}
}

// BenchmarkPages reads the backlog of 1000 channels with 100 messages each.
func BenchmarkPages(b *testing.B) {
	const channels, messages, together = 1000, 100, 50
	s := openMigrated(b)
	for range messages {
		appendAll(b, s, batchOf(channels, channelName))
	}
	requests := make([]store.PageRequest, together)
	b.Run("backlog", func(b *testing.B) {
		next := 0
		for b.Loop() {
			for i := range requests {
				requests[i] = store.PageRequest{Channel: channelName(next % channels), Limit: messages, Bytes: 1 << 20}
				next++
			}
			pages, err := s.Pages(b.Context(), time.Unix(1_700_000_000, 0), requests)
			if err != nil || len(pages[0].Messages) != messages {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N*together*messages)/b.Elapsed().Seconds(), "messages/s")
	})
	b.Run("tails", func(b *testing.B) {
		names := make([]string, channels)
		for i := range names {
			names[i] = channelName(i)
		}
		for b.Loop() {
			if _, err := s.Tails(b.Context(), names); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N*channels)/b.Elapsed().Seconds(), "channels/s")
	})
}

// BenchmarkWriteCursors moves 512 cursors an operation.
func BenchmarkWriteCursors(b *testing.B) {
	const subscribers = 512
	s := openMigrated(b)
	cursors := make([]store.Cursor, subscribers)
	subs := make([]store.NewSubscription, subscribers)
	for i := range subs {
		subs[i] = store.NewSubscription{Subscriber: channelName(i), Channel: "news", Now: time.Unix(1_700_000_000, 0)}
		cursors[i].SubscriptionKey = store.SubscriptionKey{Subscriber: subs[i].Subscriber, Channel: "news"}
	}
	if _, err := s.Subscribe(b.Context(), subs); err != nil {
		b.Fatal(err)
	}
	seq := uint64(0)
	for b.Loop() {
		b.StopTimer()
		appendAll(b, s, batchOf(1, func(int) string { return "news" }))
		seq++
		for i := range cursors {
			cursors[i].Seq = seq
		}
		b.StartTimer()
		if err := s.WriteCursors(b.Context(), cursors); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*subscribers)/b.Elapsed().Seconds(), "cursors/s")
}
