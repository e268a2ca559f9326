//go:build linux

package benchtest

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkIdle: 10,000 connections with one live subscription each, of which
// nothing is heard: what they take half a second after the last has come, whatever
// the collector has done until then, and what connecting them has cost.
func BenchmarkIdle(b *testing.B) {
	const connections = 10_000
	for _, tier := range tiers {
		b.Run(tier.name, func(b *testing.B) {
			var memory, connecting samples
			for b.Loop() {
				for range rounds {
					n := startPushgate(b, tier.arguments...)
					size, used := resident(b, n.pid), n.processorTime(b)
					c := gather(b, n, connections, func(int) string { return "channel=live" })
					used = n.processorTime(b) - used
					time.Sleep(500 * time.Millisecond)
					memory.add(float64(resident(b, n.pid)-size)/connections, 0)
					connecting.add(float64(used.Microseconds())/connections, 0)
					c.close()
					n.kill()
				}
			}
			work := fmt.Sprintf("10,000 idle connections, %s: ", tier.name)
			results.report(work+"resident memory", "bytes each", "", memory, target{AtMost: tier.memory})
			results.report(work+"upgrade and subscribe", "server-CPU-µs", "", connecting, target{AtMost: tier.connect})
		})
	}
}

// tiers are the ways in which connections can be kept.
var tiers = []struct {
	name      string
	arguments []string
	memory    float64 // wanted at most, in bytes
	connect   float64 // the same, in microseconds of the server's processors
}{
	{"a goroutine each", []string{"--http-poller=runtime"}, 10_000, 80},
	{"epoll", []string{"--http-poller=epoll"}, 6_000, 80},
}
