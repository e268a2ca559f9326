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
	frames, bytes Meter
	over          time.Time // since when every frame came too early; zero: it did not
}

// throttle waits until the client's rate has room for a frame of so many bytes,
// also when the session is over: what a client still sends is to cost little. It
// says false when ctx is over.
func (s *Session) throttle(ctx context.Context, bytes int) bool {
	cfg, in, now := s.hub.cfg.current(), &s.intake, time.Now()
	wait := max(in.frames.Take(now, 1, cfg.ClientFrames), in.bytes.Take(now, bytes, cfg.ClientBytes))
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
