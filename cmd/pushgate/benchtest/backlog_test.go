//go:build linux

package benchtest

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"pushgate/store"
	"pushgate/store/postgres"
	"pushgate/store/postgres/pgtest"
)

// BenchmarkBacklog: subscribers with a channel of their own each, who missed 100
// messages, come back at once; beside the processor's time that the driver needs to
// read the same rows.
func BenchmarkBacklog(b *testing.B) {
	const missed = 100
	server := pgtest.StartServer(b, pgtest.Options{Durable: true})
	for _, subscribers := range []int{1000, 5000} {
		b.Run(fmt.Sprint(subscribers), func(b *testing.B) {
			url := server.New(b, fmt.Sprint("pushgate", subscribers))
			driver := openStore(b, url)
			for _, channel := range names("user:", subscribers) {
				subscribe(b, driver, channel, channel)
				fill(b, driver, channel, missed)
			}
			n := startPushgate(b, "--store-url", url)
			var rates samples
			for b.Loop() {
				for range rounds {
					theirs := readPages(b, driver, subscribers, missed)
					rates.add(comeBack(b, n, subscribers, missed), theirs)
				}
			}
			results.report(fmt.Sprintf("%d subscribers that missed %d messages each come back: messages", subscribers, missed),
				"/server-CPU-s", "the driver alone", rates, target{AtLeast: 400e3})
		})
	}
}

// comeBack connects everybody, and answers messages for each second of the server's
// processors, connecting left out.
func comeBack(tb testing.TB, n *node, subscribers, missed int) float64 {
	tb.Helper()
	clients := make([]*client, subscribers)
	for i := range clients {
		c, err := dial(n, fmt.Sprintf("restore=none&subscriber=user:%d", i))
		if err != nil {
			tb.Fatal(err)
		}
		clients[i] = c
		defer func() { _ = c.Close() }()
		if err := c.skip(1); err != nil { // connected
			tb.Fatal(err)
		}
	}
	profiled := n.profile(tb)
	defer profiled()
	before := n.processorTime(tb)
	var group sync.WaitGroup
	for i, c := range clients {
		group.Go(func() {
			if err := c.send(fmt.Sprintf(`{"type":"subscribe","id":1,"channel":"user:%d"}`, i)); err != nil {
				tb.Error(err)
				return
			}
			c.sampled = &sample{newest: make(map[string]int)}
			if err := c.skip(1); err != nil { // subscribed
				tb.Error(err)
				return
			}
			for c.messages < missed {
				if err := c.read(); err != nil {
					tb.Error(err)
					return
				}
			}
			if c.sampled.disorder != nil || c.gaps > 0 {
				tb.Errorf("%d gaps, %v", c.gaps, c.sampled.disorder)
			}
		})
	}
	group.Wait()
	return float64(subscribers*missed) / (n.processorTime(tb) - before).Seconds()
}

// readPages reads what they miss, 50 channels a query, and answers messages for each
// second of this process.
func readPages(b *testing.B, s *postgres.Store, subscribers, missed int) float64 {
	b.Helper()
	const channels = 50
	before := ownTime(b)
	for k := range subscribers / channels {
		requests := make([]store.PageRequest, channels)
		for i := range requests {
			requests[i] = store.PageRequest{Channel: fmt.Sprintf("user:%d", k*channels+i), Limit: 256, Bytes: 256 << 10}
		}
		pages, err := s.Pages(b.Context(), time.Now(), requests)
		if err != nil || len(pages[0].Messages) != missed {
			b.Fatalf("%d messages, %v", len(pages[0].Messages), err)
		}
	}
	return float64(subscribers*missed) / (ownTime(b) - before).Seconds()
}

func ownTime(tb testing.TB) time.Duration {
	tb.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// subscribe stores a durable subscription.
func subscribe(b *testing.B, s *postgres.Store, channel string, subscribers ...string) {
	b.Helper()
	all := make([]store.NewSubscription, len(subscribers))
	for i, subscriber := range subscribers {
		all[i] = store.NewSubscription{Subscriber: subscriber, Channel: channel, Now: time.Now().Truncate(time.Millisecond)}
	}
	if _, err := s.Subscribe(b.Context(), all); err != nil {
		b.Fatal(err)
	}
}

// fill stores messages.
func fill(b *testing.B, s *postgres.Store, channel string, count int) {
	b.Helper()
	for done := 0; done < count; {
		messages := make([]store.Message, min(count-done, 1000))
		for i := range messages {
			messages[i] = store.Message{Channel: channel, Data: payload(0, done), Time: time.Now().Truncate(time.Millisecond)}
			done++
		}
		if _, err := s.Append(b.Context(), store.Batch{Messages: messages}); err != nil {
			b.Fatal(err)
		}
	}
}
