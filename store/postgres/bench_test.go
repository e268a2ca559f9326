package postgres

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pushgate/store"
	"pushgate/store/postgres/pgtest"
)

// benchChannels is the number of channels that scattered writes go to.
const benchChannels = 10_000

// benchmark answers a Store on a durable server, as in production.
func benchmark(b *testing.B) *Store {
	server := pgtest.StartServer(b, pgtest.Options{Durable: true, Settings: map[string]string{"max_wal_size": "4GB", "shared_buffers": "512MB"}})
	return openMigrated(b, server.New(b, "bench"))
}

func benchChannel(i int) string { return fmt.Sprintf("bench-%05d", i) }

func benchMessage(channel string) store.Message {
	return store.Message{Channel: channel, Data: bytes.Repeat([]byte("x"), 128), Time: time.UnixMilli(1_700_000_000_000)}
}

// spread runs f b.N times from a number of goroutines, and reports how many
// items a second they did, size per call.
func spread(b *testing.B, workers, size int, f func(worker int) error) {
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if err := f(w); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(b.N)*float64(size)/b.Elapsed().Seconds(), "items/s")
}

func BenchmarkAppend(b *testing.B) {
	s := benchmark(b)
	createChannels := func() {
		batch := store.Batch{}
		for i := range benchChannels {
			batch.Messages = append(batch.Messages, benchMessage(benchChannel(i)))
		}
		if _, err := s.Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	createChannels()
	var number atomic.Int64
	for _, kind := range []string{"hot", "scattered", "scattered at a position", "ids"} {
		for _, size := range []int{1, 64, 512, 2048} {
			for _, writers := range []int{1, 2, 4} {
				b.Run(fmt.Sprintf("%s/batch=%d/writers=%d", kind, size, writers), func(b *testing.B) {
					source, next := fmt.Sprint(number.Add(1)), make([]int64, writers)
					spread(b, writers, size, func(writer int) error {
						batch := store.Batch{Messages: make([]store.Message, size)}
						if kind == "scattered at a position" {
							key := store.SourceKey{Source: source, Topic: "t", Partition: writer}
							batch.Position = &store.Position{SourceKey: key, First: next[writer], Next: next[writer] + int64(size)}
							next[writer] += int64(size)
						}
						for i := range batch.Messages {
							channel := 0
							if kind != "hot" {
								channel = rand.IntN(benchChannels)
							}
							batch.Messages[i] = benchMessage(benchChannel(channel))
							if kind == "ids" {
								batch.Messages[i].ID = fmt.Sprintf("%016d", number.Add(1))
							}
						}
						_, err := s.Append(b.Context(), batch)
						return err
					})
				})
			}
		}
	}
}

func BenchmarkRead(b *testing.B) {
	const channels, messages = 1000, 100
	s := benchmark(b)
	for range messages {
		batch := store.Batch{}
		for i := range channels {
			batch.Messages = append(batch.Messages, benchMessage(benchChannel(i)))
		}
		if _, err := s.Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	for _, size := range []int{1, 50} {
		for _, readers := range []int{1, 4} {
			b.Run(fmt.Sprintf("pages/requests=%d/readers=%d", size, readers), func(b *testing.B) {
				spread(b, readers, size*messages, func(int) error {
					requests := make([]store.PageRequest, size)
					for i := range requests {
						requests[i] = store.PageRequest{Channel: benchChannel(rand.IntN(channels)), Limit: messages, Bytes: 1 << 20}
					}
					pages, err := s.Pages(b.Context(), time.UnixMilli(0), requests)
					if err == nil && len(pages[size-1].Messages) != messages {
						err = fmt.Errorf("%d messages on a page", len(pages[0].Messages))
					}
					return err
				})
			})
		}
	}
	names := make([]string, channels)
	for i := range names {
		names[i] = benchChannel(i)
	}
	b.Run("tails/channels=1000", func(b *testing.B) {
		spread(b, 1, channels, func(int) error {
			_, err := s.Tails(b.Context(), names)
			return err
		})
	})
}

func BenchmarkSubscriptions(b *testing.B) {
	const subscribers = 10_000
	s := benchmark(b)
	key := func(i int) store.SubscriptionKey {
		return store.SubscriptionKey{Subscriber: fmt.Sprintf("subscriber-%05d", i), Channel: benchChannel(i % 100)}
	}
	batch, requests := store.Batch{}, make([]store.NewSubscription, subscribers)
	for i := range requests {
		batch.Messages = append(batch.Messages, benchMessage(key(i).Channel))
		requests[i] = store.NewSubscription{Subscriber: key(i).Subscriber, Channel: key(i).Channel, From: store.From{Start: store.StartEarliest}}
	}
	// Enough seqs for each call to move each cursor.
	for range 20 {
		if _, err := s.Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := s.Subscribe(b.Context(), requests); err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{64, 512} {
		for _, writers := range []int{1, 4} {
			b.Run(fmt.Sprintf("cursors/batch=%d/writers=%d", size, writers), func(b *testing.B) {
				if _, err := s.exec(b, `UPDATE subscriptions SET cursor = 0`); err != nil {
					b.Fatal(err)
				}
				var seq atomic.Uint64
				spread(b, writers, size, func(int) error {
					cursors := make([]store.Cursor, size)
					at := seq.Add(1)
					for i := range cursors {
						cursors[i] = store.Cursor{SubscriptionKey: key(rand.IntN(subscribers)), Seq: at}
					}
					return s.WriteCursors(b.Context(), cursors)
				})
			})
		}
	}
	b.Run("subscribe again/batch=64", func(b *testing.B) {
		spread(b, 1, 64, func(int) error {
			first := rand.IntN(subscribers - 64)
			_, err := s.Subscribe(b.Context(), requests[first:first+64])
			return err
		})
	})
}
