package push

import (
	"context"
	"time"

	"pushgate/push/wire"
)

// intake holds a client to its rate: first by not reading on, then, when it has
// sent more for Live.ClientPatience without a break, by 4429. Used by the
// handling goroutine only.
type intake struct {
	frames, bytes meter
	over          time.Time // since when every frame came too early; zero: it did not
}

// throttle waits until the client's rate has room for a frame of so many bytes,
// also when the session is over: what a client still sends is to cost little. It
// says false when ctx is over.
func (s *Session) throttle(ctx context.Context, bytes int) bool {
	cfg, in, now := s.hub.cfg.current(), &s.intake, time.Now()
	wait := max(in.frames.take(now, 1, cfg.ClientFrames), in.bytes.take(now, bytes, cfg.ClientBytes))
	if wait == 0 {
		in.over = time.Time{}
		return true
	}
	s.hub.metrics.throttled.Inc()
	switch {
	case in.over.IsZero():
		in.over = now
	case now.Sub(in.over) > cfg.ClientPatience:
		s.End(GoAway(CauseRate, wire.CloseRateLimit, "rate limit"))
	}
	select {
	case <-time.After(wait):
		return true
	case <-ctx.Done():
		return false
	}
}

// meter is a token bucket that holds a second's worth: the time, in Unix
// nanoseconds, at which it will be full again (GCRA).
type meter int64

// take takes amount from the bucket of a rate per second, and answers how long to
// wait for it. A rate of 0 is none.
func (m *meter) take(now time.Time, amount, rate int) time.Duration {
	if rate == 0 {
		return 0
	}
	at := now.UnixNano()
	full := max(int64(*m), at) + int64(amount)*int64(time.Second)/int64(rate)
	*m = meter(full)
	return max(0, time.Duration(full-at)-time.Second)
}
