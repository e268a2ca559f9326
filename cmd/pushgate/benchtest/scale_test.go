//go:build linux

package benchtest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pushgate/store"
	"pushgate/store/postgres/pgtest"
)

// BenchmarkScale: what one unit costs when there are a hundred times as many.
func BenchmarkScale(b *testing.B) {
	server := pgtest.StartServer(b, pgtest.Options{Durable: true})
	for i, c := range []struct {
		name        string
		prepare     func(b *testing.B, url string, size int)
		cost        func(b *testing.B, n *node, size int) float64
		small, huge int
	}{
		{"a publish to a channel of 100,000 stored subscriptions, 10 of them connected; beside 1,000", storeSubscriptions, publishToStored, 1000, 100_000},
		{"a durable message among 100,000 channels; beside 1,000", storeChannels, publishAmong, 1000, 100_000},
		{"a message of a backlog of 1 M; beside 10,000", storeMessages, drain, 10_000, 1_000_000},
	} {
		b.Run(c.name, func(b *testing.B) {
			small, huge := server.New(b, fmt.Sprint("small", i)), server.New(b, fmt.Sprint("huge", i))
			c.prepare(b, small, c.small)
			c.prepare(b, huge, c.huge)
			measure := func(url string, size int) float64 {
				n := startPushgate(b, "--store-url", url)
				defer n.kill()
				return c.cost(b, n, size)
			}
			var cost samples
			for b.Loop() {
				for range rounds {
					few := measure(small, c.small)
					cost.add(measure(huge, c.huge), few)
				}
			}
			results.report(c.name, "server-CPU-µs", "a hundredth", cost, target{AtMost: 1.15, OfRatio: true})
		})
	}
}

// each is the processor's time of one, in microseconds.
func (m measured) each(count int) float64 {
	return float64(m.processor.Microseconds()) / float64(count)
}

func storeSubscriptions(b *testing.B, url string, size int) {
	driver := openStore(b, url)
	for all := range slices.Chunk(names("s", size), 1000) {
		subscribe(b, driver, "crowded", all...)
	}
}

func publishToStored(b *testing.B, n *node, _ int) float64 {
	s := scenario{subscribers: 10, channels: []string{"crowded"}, load: streams(2, 1024, false), sampled: 1}
	s.run(b, n, lasting(time.Second/2))
	m := s.run(b, n, lasting(2*time.Second))
	return m.each(m.published)
}

func storeChannels(b *testing.B, url string, size int) {
	driver := openStore(b, url)
	for channels := range slices.Chunk(names("c", size), 500) {
		messages := make([]store.Message, len(channels))
		for i, channel := range channels {
			messages[i] = store.Message{Channel: channel, Data: payload(0, 0), Time: time.Now().Truncate(time.Millisecond)}
		}
		if _, err := driver.Append(b.Context(), store.Batch{Messages: messages}); err != nil {
			b.Fatal(err)
		}
	}
}

func publishAmong(b *testing.B, n *node, size int) float64 {
	publish, channels := streams(2, 4096, false), names("c", size)
	publish(b, n, channels, until(time.Second/2))
	before := n.processorTime(b)
	published := publish(b, n, channels, until(2*time.Second))
	return measured{processor: n.processorTime(b) - before}.each(published)
}

func storeMessages(b *testing.B, url string, size int) {
	driver := openStore(b, url)
	subscribe(b, driver, "long", "reader")
	fill(b, driver, "long", size)
}

func drain(b *testing.B, n *node, size int) float64 {
	times := max(1, 500_000/size) // a short one is read several times
	var used time.Duration
	for range times {
		used += n.readAll(b, size)
	}
	return measured{processor: used}.each(size * times)
}

// readAll reads the whole of a channel as a subscription that is not durable.
func (n *node) readAll(b *testing.B, size int) time.Duration {
	b.Helper()
	c, err := dial(n, "subscriber=other")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.skip(1); err != nil {
		b.Fatal(err)
	}
	c.sampled = &sample{newest: make(map[string]int)}
	before := n.processorTime(b)
	if err := c.send(`{"type":"subscribe","id":1,"channel":"long","durable":false,"from":"earliest"}`); err != nil {
		b.Fatal(err)
	}
	if err := c.skip(1); err != nil {
		b.Fatal(err)
	}
	for c.messages < size {
		if err := c.read(); err != nil {
			b.Fatal(err)
		}
	}
	return n.processorTime(b) - before
}
