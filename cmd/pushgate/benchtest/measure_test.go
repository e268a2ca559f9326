//go:build linux

package benchtest

import (
	"testing"
	"time"
)

// measured is what one measurement has found.
type measured struct {
	published, delivered, gaps int
	processor                  time.Duration // the server's
	span                       time.Duration // from the first publish to the last answer
	median, tail               float64       // latency in milliseconds
}

// perSecond is a number for each second of the server's processors.
func (m measured) perSecond(count int) float64 { return float64(count) / m.processor.Seconds() }

// scenario is a load on a crowd.
type scenario struct {
	subscribers int
	channels    []string // subscriber i has channels[i % len(channels)]
	load        load
	// sampled: one in so many clients is looked at closely.
	sampled int
}

// run connects a new crowd, and measures the load until the last message has come.
func (s scenario) run(tb testing.TB, n *node, stop func() func(int) bool) measured {
	tb.Helper()
	c := gather(tb, n, s.subscribers, func(i int) string { return "channel=" + s.channels[i%len(s.channels)] })
	defer c.close()
	c.read(s.sampled)
	var m measured
	before, began := n.processorTime(tb), time.Now()
	profiled := n.profile(tb)
	m.published = s.load(tb, n, s.channels, stop())
	profiled()
	m.span = time.Since(began)
	c.finish(tb, n, s.channels)
	m.processor = n.processorTime(tb) - before
	m.delivered, m.gaps = c.received(tb)
	m.median, m.tail = c.latencies()
	return m
}

// rounds is how often ours and the reference are measured, in turns.
const rounds = 3

// lasting makes every measurement as long.
func lasting(span time.Duration) func() func(int) bool {
	return func() func(int) bool { return until(span) }
}
