package push

import (
	"context"
	"sync"
	"time"

	"pushgate/store"
)

// cursors writes acks to the store in batches. What is not written yet is known
// by moved, so a client that reconnects to this node is not sent again what it
// has acked. A crash loses at most the acks of one interval: those messages are
// delivered again.
type cursors struct {
	service
	store   Subscriptions
	timeout time.Duration
	metrics *Metrics
	watch   *watchers
	now     func() time.Time
	health  *health

	mu sync.Mutex
	// dirty is not written; writing is on its way; written was the last batch: a
	// read that began before it committed may have missed it.
	dirty, writing, written map[store.SubscriptionKey]uint64
	ended                   chan struct{} // closed when writing is done with
	more                    chan struct{}
}

const (
	cursorInterval = 10 * time.Millisecond // between two writes: the time to gather
	cursorBatch    = 1024
	cursorRetry    = 500 * time.Millisecond
)

func newCursors(s Subscriptions, cfg Config, metrics *Metrics, watch *watchers, health *health) *cursors {
	c := &cursors{
		store: s, timeout: cfg.StoreTimeout, metrics: metrics, watch: watch, now: cfg.now, health: health,
		dirty: make(map[store.SubscriptionKey]uint64), more: make(chan struct{}, 1),
	}
	c.loops = []func(context.Context){c.run}
	return c
}

// move notes an ack.
func (c *cursors) move(key store.SubscriptionKey, seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if seq <= c.dirty[key] {
		return
	}
	c.dirty[key] = seq
	if len(c.dirty) == 1 {
		select {
		case c.more <- struct{}{}:
		default:
		}
	}
}

// moved is the newest ack of a subscription that a store read may not show yet; 0 if none.
func (c *cursors) moved(key store.SubscriptionKey) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(c.dirty[key], c.writing[key], c.written[key])
}

// forget drops what is known of a subscription that was deleted and is not open
// any more. It waits for a write of it that is under way: one that came later to
// the store would move the cursor of a new subscription of the same name.
func (c *cursors) forget(key store.SubscriptionKey) {
	c.mu.Lock()
	delete(c.dirty, key)
	delete(c.written, key)
	_, underWay := c.writing[key]
	delete(c.writing, key)
	ended := c.ended
	c.mu.Unlock()
	if underWay {
		<-ended
	}
}

func (c *cursors) pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.dirty) + len(c.writing)
}

// run writes until it is stopped, and once more then.
func (c *cursors) run(ctx context.Context) {
	for {
		select {
		case <-c.more:
		case <-ctx.Done():
			c.flush()
			return
		}
		wait := cursorInterval
		if !c.flush() {
			wait = cursorRetry
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// flush writes everything that is dirty; false if it could not.
func (c *cursors) flush() bool {
	c.mu.Lock()
	batch := c.dirty
	c.dirty, c.writing = make(map[store.SubscriptionKey]uint64), batch
	c.ended = make(chan struct{})
	list := make([]store.Cursor, 0, len(batch))
	for key, seq := range batch {
		list = append(list, store.Cursor{SubscriptionKey: key, Seq: seq})
	}
	c.mu.Unlock()
	var failed error
	for rest := list; len(rest) > 0 && failed == nil; {
		n := min(len(rest), cursorBatch)
		failed = c.write(rest[:n])
		rest = rest[n:]
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = nil
	close(c.ended)
	if failed == nil {
		c.written = batch
		return true
	}
	for key, seq := range batch {
		c.dirty[key] = max(c.dirty[key], seq)
	}
	select {
	case c.more <- struct{}{}:
	default:
	}
	return false
}

func (c *cursors) write(list []store.Cursor) error {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	start := time.Now()
	err := c.store.WriteCursors(ctx, list)
	c.metrics.call("cursors", time.Since(start), err)
	c.health.report(ctx, err)
	if err == nil {
		c.watch.acked(list, c.now())
	}
	return err
}
