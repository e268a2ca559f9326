package push

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"pushgate/store"
)

// health knows whether the store can be used: from the outcome of every call to
// it, and from a ping a second when the last one failed or nothing else asks.
type health struct {
	service
	ping    func(context.Context) error
	timeout time.Duration
	logger  *slog.Logger
	down    atomic.Bool
	changed chan struct{}
	watch   func(serving bool)
}

const healthInterval = time.Second

func newHealth(ping func(context.Context) error, cfg Config) *health {
	h := &health{ping: ping, timeout: min(cfg.StoreTimeout, 2*time.Second), logger: cfg.Logger, changed: make(chan struct{}, 1)}
	h.loops = []func(context.Context){h.run}
	return h
}

// report learns from a call to the store how it is. One that was given up by
// its caller says nothing.
func (h *health) report(ctx context.Context, err error) {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
	case err == nil:
		if h.down.CompareAndSwap(true, false) {
			h.logger.Info("the store is available again")
			h.notify()
		}
	case errors.Is(err, store.ErrUnavailable):
		if h.down.CompareAndSwap(false, true) {
			h.logger.Error("the store is not available; publishes are refused until it is back", "error", err)
			h.notify()
		}
	}
}

func (h *health) notify() {
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

func (h *health) serving() bool { return !h.down.Load() }

func (h *health) run(ctx context.Context) {
	tick := time.NewTicker(healthInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			attempt, cancel := context.WithTimeout(ctx, h.timeout)
			h.report(attempt, h.ping(attempt))
			cancel()
		case <-h.changed:
		case <-ctx.Done():
			return
		}
		if h.watch != nil {
			h.watch(h.serving())
		}
	}
}
