//go:build linux

package benchtest

import (
	"crypto/x509"
	"fmt"
	"testing"
	"time"

	"pushgate/server/certificate/certificatetest"
)

// BenchmarkIdle: 10,000 connections with one live subscription each, of which
// nothing is heard: what they take half a second after the last has come, whatever
// the collector has done until then, and what connecting them has cost.
func BenchmarkIdle(b *testing.B) {
	const connections = 10_000
	authority := certificatetest.New(b)
	certificate, key := authority.Issue(b.TempDir(), "node", time.Hour)
	// The ways in which connections can be kept, and what is wanted of each.
	for _, tier := range []struct {
		name      string
		arguments []string
		authority *x509.CertPool
		memory    float64 // at most, in bytes
		connect   float64 // at most, in microseconds of the server's processors; 0: whatever it is
	}{
		{"a goroutine each", []string{"--http-poller=runtime"}, nil, 10_000, 80},
		{"epoll", []string{"--http-poller=epoll"}, nil, 6_000, 80},
		{"TLS", []string{"--http-tls-certificate=" + certificate, "--http-tls-key=" + key}, authority.Pool(), 0, 0},
	} {
		b.Run(tier.name, func(b *testing.B) {
			var memory, connecting samples
			for b.Loop() {
				for range rounds {
					n := startPushgate(b, tier.arguments...)
					n.authority = tier.authority
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
