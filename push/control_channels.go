package push

import (
	"context"
	"errors"
	"fmt"

	"pushgate/push/wire"
	"pushgate/store"
)

// ChannelView is a channel as an operator sees it.
type ChannelView struct {
	store.Channel
	Online int // subscriptions that connections of this node have open
}

// Channel describes one channel. One that the store does not know is there
// while somebody is subscribed to it.
func (e *Engine) Channel(ctx context.Context, name string) (ChannelView, error) {
	if err := ValidateChannel(name); err != nil {
		return ChannelView{}, err
	}
	online := e.onlineIn(name)
	c, err := e.store.Channel(ctx, name)
	if errors.Is(err, store.ErrNotFound) && online > 0 {
		return ChannelView{Channel: store.Channel{Tail: store.Tail{Channel: name}}, Online: online}, nil
	}
	if err != nil {
		return ChannelView{}, fmt.Errorf("looking up a channel: %w", err)
	}
	return ChannelView{Channel: c, Online: online}, nil
}

// ListChannels is a page of channels.
func (e *Engine) ListChannels(ctx context.Context, query store.ChannelQuery) ([]ChannelView, error) {
	query.CountSubscriptions = true
	list, err := e.store.ListChannels(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("listing channels: %w", err)
	}
	views := make([]ChannelView, len(list))
	for i, c := range list {
		views[i] = ChannelView{Channel: c, Online: e.onlineIn(c.Channel)}
	}
	return views, nil
}

func (e *Engine) onlineIn(name string) int {
	c := e.hub.find(name)
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.subscriptions)
}

// PurgeChannel removes everything up to a seq, 0 for all that there is, and
// answers where the channel begins and ends after it. Subscribers that had not
// got there are told by gap; the numbering goes on.
func (e *Engine) PurgeChannel(ctx context.Context, channel string, upTo uint64) (store.Tail, error) {
	if err := ValidateChannel(channel); err != nil {
		return store.Tail{}, err
	}
	if upTo == 0 {
		upTo = wire.MaxSeq
	}
	for {
		done, err := e.store.Trim(ctx, store.Trim{Channel: channel, PurgeTo: upTo, Limit: retentionRows})
		if err != nil {
			return done.Tail, fmt.Errorf("purging a channel: %w", err)
		}
		e.metrics.removed.WithLabelValues(string(wire.GapPurged)).Add(float64(done.Deleted))
		upTo = min(upTo, done.LastSeq)
		if c := e.hub.find(channel); c != nil {
			c.observe(done.Tail)
		}
		if !done.More {
			return done.Tail, nil
		}
	}
}
