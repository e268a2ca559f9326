package push

import "sync/atomic"

// tally is a number that Prometheus asks for and Stats reads, too: a Prometheus
// counter can only be read in its wire format.
type tally struct{ n atomic.Int64 }

func (t *tally) Inc()          { t.n.Add(1) }
func (t *tally) Dec()          { t.n.Add(-1) }
func (t *tally) Add(n float64) { t.n.Add(int64(n)) }

func (t *tally) value() float64 { return float64(t.n.Load()) }

func (t *tally) count() uint64 { return uint64(max(t.n.Load(), 0)) }
