package push

import (
	"context"
	"log/slog"
	"time"

	"pushgate/push/wire"
	"pushgate/store"
)

// retention walks over all channels and removes, in small paced steps, what
// their namespaces do not keep: messages by age, number and bytes, messages
// whose own time to live ended, and subscriptions that nobody uses. Several
// nodes may walk at once: a step that another has done already does nothing.
type retention struct {
	service
	engine *Engine
	store  Upkeep
	cfg    Config
	logger *slog.Logger
	// lastExpiry is when subscriptions were last expired and touched.
	lastExpiry time.Time
}

const (
	retentionPage    = 256  // channels of one listing
	retentionRows    = 500  // rows of one step
	retentionTouch   = 1000 // subscriptions of one touch
	expiryCheck      = time.Minute
	expiryTouchParts = 4 // a subscription in use is noted this often within its expiry
)

func newRetention(e *Engine, s Upkeep, cfg Config) *retention {
	r := &retention{engine: e, store: s, cfg: cfg, logger: cfg.Logger}
	r.loops = []func(context.Context){r.run}
	return r
}

func (r *retention) run(ctx context.Context) {
	for {
		select {
		case <-time.After(r.cfg.RetentionInterval):
		case <-ctx.Done():
			return
		}
		if err := r.walk(ctx); err != nil && ctx.Err() == nil {
			r.logger.Warn("retention stopped early; it goes on with the next round", "error", err)
		}
	}
}

// pause keeps the steps to about a fifth of the time.
func (r *retention) pause(ctx context.Context, since time.Time) error {
	select {
	case <-time.After(4 * time.Since(since)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *retention) walk(ctx context.Context) error {
	if err := r.expireMessages(ctx); err != nil {
		return err
	}
	expiry := r.subscriptionsDue()
	if expiry {
		if err := r.touch(ctx); err != nil {
			return err
		}
	}
	after := ""
	for {
		start := time.Now()
		page, err := r.list(ctx, after)
		if err != nil {
			return err
		}
		for _, c := range page {
			if err := r.channel(ctx, c, expiry); err != nil {
				return err
			}
			after = c.Channel
		}
		if len(page) < retentionPage {
			return nil
		}
		if err := r.pause(ctx, start); err != nil {
			return err
		}
	}
}

func (r *retention) list(ctx context.Context, after string) ([]store.Channel, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.StoreTimeout)
	defer cancel()
	return r.store.ListChannels(ctx, store.ChannelQuery{After: after, Limit: retentionPage})
}

// expireMessages removes messages whose own time to live ended.
func (r *retention) expireMessages(ctx context.Context) error {
	for {
		start := time.Now()
		step, cancel := context.WithTimeout(ctx, r.cfg.StoreTimeout)
		deleted, more, err := r.store.ExpireMessages(step, r.engine.now(), retentionRows)
		cancel()
		r.engine.metrics.removed.WithLabelValues(string(wire.GapExpired)).Add(float64(deleted))
		if err != nil || !more {
			return err
		}
		if err := r.pause(ctx, start); err != nil {
			return err
		}
	}
}

func (r *retention) channel(ctx context.Context, c store.Channel, expiry bool) error {
	ns := r.cfg.current().Namespaces.Of(c.Channel)
	trim := store.Trim{Channel: c.Channel, KeepMessages: ns.Retention.Messages, KeepBytes: ns.Retention.Bytes, Limit: retentionRows}
	if ns.Retention.Age > 0 {
		trim.Before = r.engine.now().Add(-ns.Retention.Age)
	}
	if due(c, trim) {
		if err := r.trim(ctx, trim); err != nil {
			return err
		}
	}
	if expiry && ns.SubscriptionExpiry > 0 {
		return r.expireSubscriptions(ctx, c.Channel, r.engine.now().Add(-ns.SubscriptionExpiry))
	}
	return nil
}

// due says whether a channel has anything to trim.
func due(c store.Channel, t store.Trim) bool {
	return c.Removable ||
		!c.OldestTime.IsZero() && c.OldestTime.Before(t.Before) ||
		t.KeepMessages > 0 && c.Messages > t.KeepMessages ||
		t.KeepBytes > 0 && c.Bytes > t.KeepBytes && c.Messages > 1
}

func (r *retention) trim(ctx context.Context, trim store.Trim) error {
	for {
		start := time.Now()
		step, cancel := context.WithTimeout(ctx, r.cfg.StoreTimeout)
		done, err := r.store.Trim(step, trim)
		cancel()
		if err != nil {
			return err
		}
		r.engine.metrics.removed.WithLabelValues(string(done.FloorReason)).Add(float64(done.Deleted))
		if !done.More {
			return nil
		}
		if err := r.pause(ctx, start); err != nil {
			return err
		}
	}
}

func (r *retention) expireSubscriptions(ctx context.Context, channel string, before time.Time) error {
	for {
		start := time.Now()
		step, cancel := context.WithTimeout(ctx, r.cfg.StoreTimeout)
		keys, err := r.store.ExpireSubscriptions(step, channel, before, retentionRows)
		cancel()
		if err != nil {
			return err
		}
		for _, key := range keys {
			r.engine.dropped(key, wire.UnsubscribeExpired)
		}
		if len(keys) < retentionRows {
			return nil
		}
		if err := r.pause(ctx, start); err != nil {
			return err
		}
	}
}

// subscriptionsDue says whether subscriptions are to be touched and expired now:
// as often as the shortest expiry asks for.
func (r *retention) subscriptionsDue() bool {
	shortest := r.cfg.current().Namespaces.shortestExpiry()
	if shortest == 0 || time.Since(r.lastExpiry) < min(expiryCheck, shortest/expiryTouchParts) {
		return false
	}
	r.lastExpiry = time.Now()
	return true
}

// touch notes the durable subscriptions that sessions of this node have open.
func (r *retention) touch(ctx context.Context) error {
	byExpiry := make(map[time.Duration][]store.SubscriptionKey)
	for _, c := range r.engine.hub.active(nil) {
		expiry := r.cfg.current().Namespaces.Of(c.name).SubscriptionExpiry
		if expiry > 0 {
			byExpiry[expiry] = c.durableKeys(byExpiry[expiry])
		}
	}
	for expiry, keys := range byExpiry {
		for len(keys) > 0 {
			n := min(len(keys), retentionTouch)
			start := time.Now()
			step, cancel := context.WithTimeout(ctx, r.cfg.StoreTimeout)
			err := r.store.Touch(step, keys[:n], r.engine.now(), r.engine.now().Add(-expiry/expiryTouchParts))
			cancel()
			if err != nil {
				return err
			}
			keys = keys[n:]
			if err := r.pause(ctx, start); err != nil {
				return err
			}
		}
	}
	return nil
}

// durableKeys lists the durable subscriptions of a channel that are open here.
func (c *channel) durableKeys(keys []store.SubscriptionKey) []store.SubscriptionKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.subscriptions {
		if s.durable {
			keys = append(keys, s.key())
		}
	}
	return keys
}
