package caller

import (
	"sync/atomic"
	"time"
)

// rate lets so much through in a second, and as much at once. What is larger than a
// second's worth passes when that is there, and is made up for. It is safe for concurrent
// use.
type rate struct {
	perSecond int
	// full is when a whole second's worth is there again, in Unix nanoseconds (the
	// generic cell rate algorithm).
	full atomic.Int64
}

// take takes an amount, or says how long to wait before it is worth another try.
func (r *rate) take(now time.Time, amount int) (wait time.Duration) {
	if r.perSecond == 0 {
		return 0
	}
	at := now.UnixNano()
	cost := r.cost(amount)
	for {
		full := r.full.Load()
		wait := max(full-at, 0) + min(cost, int64(time.Second)) - int64(time.Second)
		if wait > 0 {
			return time.Duration(wait)
		}
		if r.full.CompareAndSwap(full, max(full, at)+cost) {
			return 0
		}
	}
}

// give gives back what was taken for nothing.
func (r *rate) give(amount int) {
	if r.perSecond > 0 {
		r.full.Add(-r.cost(amount))
	}
}

// owe takes an amount whether it is there or not, and answers in what time it is again.
func (r *rate) owe(amount int) time.Duration {
	if r.perSecond == 0 {
		return 0
	}
	cost := r.cost(amount)
	r.full.Add(cost)
	return time.Duration(cost)
}

// cost is the time in which an amount is there again, in nanoseconds.
func (r *rate) cost(amount int) int64 {
	return int64(float64(amount) / float64(r.perSecond) * float64(time.Second))
}
