package consumer

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff is the pause between attempts: it doubles up to a bound, and a third
// of it is by chance, so that those who failed together do not come back together.
type backoff struct {
	first, most time.Duration
	next        time.Duration
}

// wait answers false if ctx ended before the pause.
func (b *backoff) wait(ctx context.Context) bool {
	b.next = min(max(b.next, b.first), b.most)
	pause := b.next - time.Duration(rand.Int64N(int64(b.next)/3+1))
	b.next *= 2
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// reset is for after a success.
func (b *backoff) reset() { b.next = 0 }
