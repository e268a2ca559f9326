//go:build linux

package benchtest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pushgate/store"
	"pushgate/store/postgres"
	"pushgate/store/postgres/pgtest"
)

// BenchmarkDurable: 1,000 channels with one subscriber each on PostgreSQL, by
// PublishStream, beside the driver's own group commit on the same server.
func BenchmarkDurable(b *testing.B) {
	const span = 3 * time.Second
	server := pgtest.StartServer(b, pgtest.Options{Durable: true})
	n := startPushgate(b, "--store-url", server.New(b, "pushgate"))
	driver := openStore(b, server.New(b, "driver"))
	s := scenario{subscribers: 1000, channels: names("c", 1000), load: streams(2, 4096, false), sampled: 10}
	s.run(b, n, lasting(span/3)) // the channels are there
	groupCommit(b, driver, s.channels, span/3)
	var rates samples
	for b.Loop() {
		for range rounds {
			theirs := groupCommit(b, driver, s.channels, span)
			ours := s.run(b, n, lasting(span))
			rates.add(float64(ours.published)/ours.span.Seconds(), theirs)
		}
	}
	results.report("1,000 channels, 1 subscriber each, PublishStream: durable publishes", "/s", "group commit by the driver", rates, target{AtLeast: 0.7, OfRatio: true})
}

// groupCommit appends batches of 512 by two writers, and answers messages a second.
func groupCommit(b *testing.B, s *postgres.Store, channels []string, span time.Duration) float64 {
	b.Helper()
	const writers, size = 2, 512
	var done atomic.Int64
	var group sync.WaitGroup
	stop, began := until(span), time.Now()
	for w := range writers {
		group.Go(func() {
			for k := 0; !stop(k); {
				now := time.Now().Truncate(time.Millisecond)
				messages := make([]store.Message, size)
				for i := range messages {
					messages[i] = store.Message{Channel: channels[k%len(channels)], Data: payload(w, k), Time: now}
					k++
				}
				if _, err := s.Append(b.Context(), store.Batch{Messages: messages}); err != nil {
					b.Error(err)
					return
				}
				done.Add(size)
			}
		})
	}
	group.Wait()
	return float64(done.Load()) / time.Since(began).Seconds()
}

func openStore(b *testing.B, url string) *postgres.Store {
	b.Helper()
	s, err := postgres.Open(b.Context(), url, postgres.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	if _, _, err := s.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	return s
}
