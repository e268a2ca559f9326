package rpc

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"
)

// faults logs internal errors, at most one a second: a broken store fails every
// message of a batch of thousands alike.
type faults struct {
	logger *slog.Logger

	mu         sync.Mutex
	last       time.Time
	suppressed int
}

const faultInterval = time.Second

func (f *faults) report(ctx context.Context, err error) {
	more, due := f.count(time.Now())
	if !due {
		return
	}
	method, _ := grpc.Method(ctx)
	f.logger.Error("a call failed", "method", method, "error", err, "suppressed_before", more)
}

// count says whether an error at that time is logged, and how many before it
// were not.
func (f *faults) count(now time.Time) (suppressed int, due bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.last) < faultInterval {
		f.suppressed++
		return 0, false
	}
	suppressed, f.suppressed, f.last = f.suppressed, 0, now
	return suppressed, true
}
