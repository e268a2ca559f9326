package push

import (
	"context"
	"log/slog"
	"time"
)

// sweep compares the tails of the channels that have sessions here with the
// store, and so makes good every message of which this node was not told:
// because another node stored it, or because a commit's outcome was unknown.
type sweep struct {
	service
	hub    *hub
	log    Log
	cfg    Config
	health *health
	logger *slog.Logger
}

// sweepBatch is how many channels one query compares.
const sweepBatch = 1000

func newSweep(h *hub, log Log, cfg Config, health *health) *sweep {
	s := &sweep{hub: h, log: log, cfg: cfg, health: health, logger: cfg.Logger}
	s.loops = []func(context.Context){s.run}
	return s
}

// run sweeps every interval; a sweep that takes long makes the pause after it
// long too, so that it never uses more than a tenth of the time.
func (s *sweep) run(ctx context.Context) {
	wait := s.cfg.SweepInterval
	for {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		start := time.Now()
		if err := s.once(ctx); err != nil && ctx.Err() == nil {
			s.logger.Debug("sweep failed", "error", err)
		}
		wait = max(s.cfg.SweepInterval, 10*time.Since(start))
	}
}

func (s *sweep) once(ctx context.Context) error {
	channels := s.hub.active(nil)
	idle := time.Now().Add(-s.cfg.RingIdle)
	for len(channels) > 0 {
		n := min(len(channels), sweepBatch)
		if err := s.compare(ctx, channels[:n]); err != nil {
			return err
		}
		for _, c := range channels[:n] {
			c.cool(idle)
		}
		channels = channels[n:]
	}
	return nil
}

func (s *sweep) compare(ctx context.Context, channels []*channel) error {
	names := make([]string, len(channels))
	for i, c := range channels {
		names[i] = c.name
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.StoreTimeout)
	defer cancel()
	tails, err := s.log.Tails(ctx, names)
	s.health.report(ctx, err)
	if err != nil {
		return err
	}
	for i, c := range channels {
		c.observe(tails[i])
	}
	return nil
}

// cool empties a ring that nothing was put into for a while.
func (c *channel) cool(before time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ring.expired(before) {
		c.hub.ringBytes.Add(-int64(c.ring.clear()))
	}
}
