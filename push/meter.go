package push

import "time"

// Meter is a token bucket that holds a second's worth: the time, in Unix
// nanoseconds, at which it will be full again (the generic cell rate algorithm).
// The zero value is full. It is not safe for concurrent use.
type Meter int64

// Take takes amount from the bucket of a rate per second, and answers how long to
// wait before it is used. A rate of 0 is no bound.
func (m *Meter) Take(now time.Time, amount, rate int) time.Duration {
	if rate == 0 {
		return 0
	}
	at := now.UnixNano()
	full := max(int64(*m), at) + int64(amount)*int64(time.Second)/int64(rate)
	*m = Meter(full)
	return max(0, time.Duration(full-at)-time.Second)
}

// Try takes amount if it need not be waited for. Otherwise it answers for how long, and
// takes nothing.
func (m *Meter) Try(now time.Time, amount, rate int) time.Duration {
	next := *m
	wait := next.Take(now, amount, rate)
	if wait == 0 {
		*m = next
	}
	return wait
}
