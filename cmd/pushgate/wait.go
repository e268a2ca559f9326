package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// The pauses between two attempts to reach the store.
const (
	firstPause = 100 * time.Millisecond
	maxPause   = 3 * time.Second
)

// waitFor calls ping until it succeeds, the patience is at its end, or ctx is.
func waitFor(ctx context.Context, ping func(context.Context) error, patience time.Duration, logger *slog.Logger) error {
	deadline, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last string
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := ping(deadline)
		if err == nil {
			return nil
		}
		if deadline.Err() == nil && err.Error() != last {
			last = err.Error()
			logger.Warn("the store cannot be used yet; waiting for it", "for", patience, "error", err)
		}
		select {
		case <-time.After(pause):
		case <-deadline.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("store.url: the store could not be used within store.connect_timeout (%s): %s", patience, last)
		}
	}
}
