package ws

import (
	"context"
	"time"

	"pushgate/push"
)

// BeginDrain refuses new upgrades from now on; what is open goes on until Drain.
func (s *Server) BeginDrain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining.Store(true)
}

// Drain begins the drain if that was not done, and closes the connections, spread
// evenly over the period so that their reconnects do not arrive at once, each when
// its client's publishes under way are answered; it waits until they are gone or
// ctx ends.
func (s *Server) Drain(ctx context.Context, period time.Duration) {
	s.BeginDrain()
	s.mu.Lock()
	open := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		open = append(open, c)
	}
	empty := make(chan struct{})
	if len(open) == 0 {
		close(empty)
	} else {
		s.empty = empty
	}
	s.mu.Unlock()
	start := time.Now()
	for i, c := range open {
		due := period * time.Duration(i) / time.Duration(len(open))
		if wait := due - time.Since(start); wait > time.Millisecond {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
		}
		c.session.Retire(push.Draining())
	}
	select {
	case <-empty:
	case <-ctx.Done():
	}
}

// Close cuts off what is left and waits for every goroutine. Twice is safe.
func (s *Server) Close() {
	s.mu.Lock()
	s.draining.Store(true)
	open := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		open = append(open, c)
	}
	s.mu.Unlock()
	s.cancel()
	for _, c := range open {
		c.cut()
	}
	s.running.Wait()
	s.tier.close()
}
