package push

import (
	"context"
	"time"
)

// Opened tells that the transport is ready: the client is connected.
func (s *Session) Opened() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.become(Connected)
}

// Measured notes the round-trip time of a ping.
func (s *Session) Measured(roundTrip time.Duration) { s.roundTrip.Store(int64(roundTrip)) }

// stir makes a session active that was not. The lock is held.
func (s *Session) stir() {
	if s.state == Idle || s.state == Connected {
		s.become(Active)
	}
}

// rest makes a session idle through which nothing has passed since a time, and
// gives back what it needs for nothing but traffic.
func (s *Session) rest(quietSince int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if max(s.active, s.since) > quietSince || !s.out.empty() || s.state != Active && s.state != Connected {
		return
	}
	s.become(Idle)
	s.out.frames = nil
	if len(s.stalled) == 0 {
		s.stalled = nil
	}
	for sub := range s.subscriptions.all() {
		if len(sub.flight.runs) == 0 {
			sub.flight.runs = nil
		}
	}
}

// idler looks for sessions that have become idle.
type idler struct {
	service
	sessions *sessions
	after    time.Duration
}

func newIdler(sessions *sessions, after time.Duration) *idler {
	i := &idler{sessions: sessions, after: after}
	i.loops = []func(context.Context){i.run}
	return i
}

func (i *idler) run(ctx context.Context) {
	tick := time.NewTicker(max(i.after/10, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			quietSince := now.Add(-i.after).UnixNano()
			for _, s := range i.sessions.all() {
				s.rest(quietSince)
			}
		case <-ctx.Done():
			return
		}
	}
}
