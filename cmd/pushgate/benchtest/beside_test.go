//go:build linux

package benchtest

import (
	"testing"
	"time"
)

// BenchmarkSmallBesideHuge: a channel of ten subscribers, 100 messages a second,
// beside one of 5,000 to which four publishers send as fast as they can.
func BenchmarkSmallBesideHuge(b *testing.B) {
	var tails, medians samples
	for b.Loop() {
		for range rounds {
			theirs := besideHuge(b, startReference(b, tenAWrite))
			ours := besideHuge(b, startPushgate(b))
			medians.add(ours.median, theirs.median)
			tails.add(ours.tail, theirs.tail)
		}
	}
	const work = "1 channel of 10 beside a saturated one of 5,000: "
	results.report(work+"latency p50", "ms", tenAWrite, medians, target{})
	results.report(work+"latency p99", "ms", tenAWrite, tails, target{AtMost: 1, OfRatio: true})
}

func besideHuge(b *testing.B, n *node) measured {
	b.Helper()
	defer n.kill()
	const span = 3 * time.Second
	huge := scenario{subscribers: 5000, channels: []string{"huge"}, load: unary(4), sampled: 5000}
	small := scenario{subscribers: 10, channels: []string{"small"}, load: paced(10 * time.Millisecond), sampled: 1}
	done := make(chan struct{})
	ready := make(chan struct{})
	go func() {
		defer close(done)
		huge.run(b, n, func() func(int) bool { close(ready); return until(span + time.Second) })
	}()
	<-ready
	m := small.run(b, n, lasting(span))
	<-done
	return m
}
