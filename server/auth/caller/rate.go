package caller

import (
	"sync/atomic"
	"time"
)

// rate lets so much through in a second, and as much at once. What is larger than a
// second's worth passes when nothing did for a second, and is made up for. It is safe
// for concurrent use.
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
	cost := int64(float64(amount) / float64(r.perSecond) * float64(time.Second))
	for {
		full := r.full.Load()
		if owed := full - at; owed >= int64(time.Second) {
			return time.Duration(owed) - time.Second + 1
		}
		if r.full.CompareAndSwap(full, max(full, at)+cost) {
			return 0
		}
	}
}
