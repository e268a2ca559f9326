//go:build linux

package benchtest

import (
	"testing"
	"time"
)

// What is measured is right: everybody gets every message, in the order of each
// publisher.
func TestNothingIsLostAndOrderIsKept(t *testing.T) {
	one, many := []string{"live"}, names("c", 50)
	for name, c := range map[string]struct {
		channels []string
		load     load
		calls    int // of each publisher
	}{
		"paced":   {one, paced(time.Millisecond), 300},
		"unary":   {one, unary(16), 100},
		"batches": {many, batches(2), 5},
		"streams": {many, streams(2, 64, true), 5000},
		"durable": {many, streams(2, 64, false), 5000},
	} {
		t.Run(name, func(t *testing.T) {
			s := scenario{subscribers: 50, channels: c.channels, load: c.load, sampled: 1}
			m := s.run(t, startPushgate(t), func() func(int) bool { return exactly(c.calls) })
			if want := m.published * s.subscribers / len(s.channels); m.published == 0 || m.delivered != want || m.gaps != 0 {
				t.Errorf("%d published, %d delivered (want %d), %d gaps", m.published, m.delivered, want, m.gaps)
			}
		})
	}
}

// The references are right, too: a comparison with one that loses messages would
// say nothing.
func TestReferencesLoseNothing(t *testing.T) {
	for _, mode := range []string{oneWrite, tenAWrite} {
		t.Run(mode, func(t *testing.T) {
			s := scenario{subscribers: 50, channels: []string{"live"}, load: unary(16), sampled: 1}
			m := s.run(t, startReference(t, mode), func() func(int) bool { return exactly(100) })
			if want := 16 * 100 * 50; m.delivered != want {
				t.Errorf("%d delivered, want %d", m.delivered, want)
			}
		})
	}
}
