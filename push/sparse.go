package push

import (
	"sync/atomic"
	"time"
)

// Sparse lets something be logged once a second. The zero value is ready; it is
// safe for concurrent use.
type Sparse struct{ next, skipped atomic.Int64 }

// Allow says whether to log now, and how often that was refused since the last
// time.
func (s *Sparse) Allow(now time.Time) (ok bool, skipped int64) {
	next := s.next.Load()
	if now.UnixNano() < next || !s.next.CompareAndSwap(next, now.Add(time.Second).UnixNano()) {
		s.skipped.Add(1)
		return false, 0
	}
	return true, s.skipped.Swap(0)
}
