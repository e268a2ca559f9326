package push

import (
	"context"
	"sync"
)

// service owns the goroutines of one background component: Start launches its
// loops, Stop cancels their context and waits for every one of them. Both may be
// called more than once, from any goroutine; a stopped service does not start
// again.
type service struct {
	// loops are set before Start and return soon after their context ends.
	loops []func(context.Context)

	mu      sync.Mutex
	cancel  context.CancelFunc
	stopped bool
	running sync.WaitGroup
}

// Start launches the loops.
func (s *service) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || s.cancel != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	for _, loop := range s.loops {
		s.running.Go(func() { loop(ctx) })
	}
}

// Stop ends the loops and waits for them.
func (s *service) Stop() {
	s.mu.Lock()
	s.stopped = true
	cancel := s.cancel
	s.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	s.running.Wait()
}
