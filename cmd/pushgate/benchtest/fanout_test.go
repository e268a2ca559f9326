//go:build linux

package benchtest

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkPaced: one channel, 1,000 subscribers, 50 messages of 128 bytes a second.
func BenchmarkPaced(b *testing.B) {
	s := scenario{subscribers: 1000, channels: []string{"live"}, load: paced(20 * time.Millisecond), sampled: 10}
	var rates, medians, tails samples
	for b.Loop() {
		for range rounds {
			theirs := s.beside(b, oneWrite, 4*time.Second)
			ours := s.beside(b, "", 4*time.Second)
			rates.add(ours.perSecond(ours.delivered), theirs.perSecond(theirs.delivered))
			medians.add(ours.median, theirs.median)
			tails.add(ours.tail, theirs.tail)
		}
	}
	const work = "1 channel, 1,000 subscribers, 50 msg/s: "
	results.report(work+"deliveries", "/server-CPU-s", oneWrite, rates, target{AtLeast: 0.9, OfRatio: true})
	results.report(work+"latency p50", "ms", oneWrite, medians, target{AtMost: 1.15, OfRatio: true})
	results.report(work+"latency p99", "ms", oneWrite, tails, target{AtMost: 1.15, OfRatio: true})
}

// BenchmarkSaturated: one channel, publishers as fast as they can.
func BenchmarkSaturated(b *testing.B) {
	for _, subscribers := range []int{1000, 5000} {
		for _, inFlight := range []int{16, 64} {
			b.Run(fmt.Sprintf("%d subscribers/%d in flight", subscribers, inFlight), func(b *testing.B) {
				s := scenario{subscribers: subscribers, channels: []string{"live"}, load: unary(inFlight), sampled: subscribers / 20}
				var rates, tails samples
				for b.Loop() {
					for range rounds {
						theirs := s.beside(b, tenAWrite, 2*time.Second)
						ours := s.beside(b, "", 2*time.Second)
						rates.add(ours.perSecond(ours.delivered), theirs.perSecond(theirs.delivered))
						tails.add(ours.tail, theirs.tail)
						if ours.gaps > 0 {
							b.Logf("%d gaps for %d publishes", ours.gaps, ours.published)
						}
					}
				}
				work := fmt.Sprintf("1 channel, %d subscribers, %d publishes in flight: ", subscribers, inFlight)
				results.report(work+"deliveries", "/server-CPU-s", tenAWrite, rates, target{AtLeast: 1.5e6})
				results.report(work+"latency p99", "ms", tenAWrite, tails, target{AtMost: 1, OfRatio: true})
			})
		}
	}
}

// beside runs a scenario on a fresh server: the reference of a mode, or "" for ours.
func (s scenario) beside(tb testing.TB, mode string, span time.Duration) measured {
	tb.Helper()
	var n *node
	if mode == "" {
		n = startPushgate(tb)
	} else {
		n = startReference(tb, mode)
	}
	defer n.kill()
	return s.run(tb, n, lasting(span))
}
