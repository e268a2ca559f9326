//go:build linux

package benchtest

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkIngest: 1,000 channels with one subscriber each, ephemeral messages.
func BenchmarkIngest(b *testing.B) {
	for _, c := range []struct {
		name   string
		load   load
		target float64
	}{
		{"Publish, 64 in flight", unary(64), 60e3},
		{"PublishBatch of 500, 4 in flight", batches(4), 250e3},
		{"PublishStream, 2 streams", streams(2, 4096, true), 250e3},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := scenario{subscribers: 1000, channels: names("c", 1000), load: c.load, sampled: 10}
			var rates samples
			for b.Loop() {
				for range rounds {
					theirs := s.beside(b, tenAWrite, 2*time.Second)
					ours := s.beside(b, "", 2*time.Second)
					rates.add(ours.perSecond(ours.published), theirs.perSecond(theirs.published))
				}
			}
			results.report(fmt.Sprintf("1,000 channels, 1 subscriber each, %s: ephemeral publishes", c.name), "/server-CPU-s", tenAWrite, rates, target{AtLeast: c.target})
		})
	}
}
