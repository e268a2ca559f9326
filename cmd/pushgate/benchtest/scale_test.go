//go:build linux

package benchtest

import (
	"fmt"
	"testing"
	"time"

	"pushgate/store/postgres/pgtest"
)

// BenchmarkScale: what one unit costs when there are a hundred times as many.
func BenchmarkScale(b *testing.B) {
	server := pgtest.StartServer(b, pgtest.Options{Durable: true})
	for name, c := range map[string]struct {
		cost        func(b *testing.B, url string, size int) float64
		small, huge int
	}{
		"a publish to a channel of 100,000 stored subscriptions, 10 of them connected; beside 1,000": {publishToStored, 1000, 100_000},
		"a durable message among 100,000 channels; beside 1,000":                                     {publishAmong, 1000, 100_000},
		"a message of a backlog of 1 M; beside 10,000":                                               {drain, 10_000, 1_000_000},
	} {
		b.Run(name, func(b *testing.B) {
			var cost samples
			for b.Loop() {
				small := c.cost(b, server.New(b, fmt.Sprintf("small%d", c.small)), c.small)
				cost.add(c.cost(b, server.New(b, fmt.Sprintf("huge%d", c.huge)), c.huge), small)
			}
			results.report(name, "server-CPU-µs", "a hundredth", cost, target{AtMost: 1.15, OfRatio: true})
		})
	}
}

func (m measured) each(count int) float64 {
	return float64(m.processor.Microseconds()) / float64(count)
}

func publishToStored(b *testing.B, url string, size int) float64 {
	driver := openStore(b, url)
	all := names("s", size)
	for len(all) > 0 {
		n := min(1000, len(all))
		subscribe(b, driver, "crowded", all[:n]...)
		all = all[n:]
	}
	n := startPushgate(b, "--store-url", url)
	defer n.kill()
	s := scenario{subscribers: 10, channels: []string{"crowded"}, load: streams(2, 1024, false), sampled: 1}
	s.run(b, n, lasting(time.Second))
	m := s.run(b, n, lasting(4*time.Second))
	return m.each(m.published)
}

func publishAmong(b *testing.B, url string, size int) float64 {
	n := startPushgate(b, "--store-url", url)
	defer n.kill()
	channels := names("c", size)
	s := scenario{subscribers: 10, channels: channels[:10], load: streams(2, 4096, false), sampled: 1}
	publish := streams(2, 4096, false)
	publish(b, n, channels, exactly(size/2)) // all are there
	before := n.processorTime(b)
	published := publish(b, n, channels, until(4*time.Second))
	_ = s
	return measured{processor: n.processorTime(b) - before}.each(published)
}

func drain(b *testing.B, url string, size int) float64 {
	driver := openStore(b, url)
	subscribe(b, driver, "long", "reader")
	fill(b, driver, "long", size)
	n := startPushgate(b, "--store-url", url)
	defer n.kill()
	times := 1_000_000 / size / 10 // little is read several times
	var used time.Duration
	for range max(times, 1) {
		used += n.readAll(b, size)
	}
	return measured{processor: used}.each(size * max(times, 1))
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
