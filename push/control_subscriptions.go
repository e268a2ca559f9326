package push

import (
	"context"
	"fmt"

	"pushgate/push/wire"
	"pushgate/store"
)

// CreateSubscription gives a subscriber a durable subscription, online or not:
// its live connections on this node begin to receive at once. It answers the
// one that was there already unchanged, with Existed set. epoch, if not empty,
// says which numbering from.Seq is of.
func (e *Engine) CreateSubscription(ctx context.Context, subscriber, channel string, from store.From, epoch string) (store.Subscription, error) {
	var none store.Subscription
	if err := ValidateSubscriber(subscriber); err != nil {
		return none, err
	}
	if err := ValidateChannel(channel); err != nil {
		return none, err
	}
	if !e.cfg.current().Namespaces.Of(channel).Durable {
		return none, refused(wire.CodeFailedPrecondition, "the namespace of %q is not durable", clip(channel))
	}
	if from.Start == store.StartAfter && epoch != "" {
		tail, err := e.tails.get(ctx, channel)
		if err != nil {
			return none, fmt.Errorf("reading the channel's end: %w", err)
		}
		if epoch != tail.Epoch {
			return none, refused(wire.CodeFailedPrecondition, "the channel's epoch is %q, not %q", tail.Epoch, clip(epoch))
		}
	}
	created, err := e.subscribe(ctx, store.NewSubscription{Subscriber: subscriber, Channel: channel, From: from, Now: e.now()})
	if err != nil {
		return none, err
	}
	consented := consentOnce(ctx, created)
	for _, s := range e.hub.sessions.of(subscriber) {
		s.adopt(created, consented)
	}
	created.Cursor = max(created.Cursor, e.cursors.moved(created.Key()))
	return created, nil
}

// StartOf is where a first subscription to a channel starts when nobody says.
func (e *Engine) StartOf(channel string) store.From {
	return store.From{Start: e.cfg.current().Namespaces.Of(channel).Start}
}

// DeleteSubscription deletes a durable subscription and closes it where it is
// open on this node. It says whether it was there.
func (e *Engine) DeleteSubscription(ctx context.Context, key store.SubscriptionKey) (existed bool, err error) {
	if err := ValidateSubscriber(key.Subscriber); err != nil {
		return false, err
	}
	if err := ValidateChannel(key.Channel); err != nil {
		return false, err
	}
	return e.forget(ctx, key, wire.UnsubscribeServer)
}

// SubscriptionView is a durable subscription as an operator sees it.
type SubscriptionView struct {
	store.Subscription
	Online bool // a connection of this node has it open
}

// ListSubscriptions is a page of durable subscriptions.
func (e *Engine) ListSubscriptions(ctx context.Context, query store.SubscriptionQuery) ([]SubscriptionView, error) {
	list, err := e.store.ListSubscriptions(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("listing subscriptions: %w", err)
	}
	views := make([]SubscriptionView, len(list))
	for i, s := range list {
		s.Cursor = max(s.Cursor, e.cursors.moved(s.Key()))
		views[i] = SubscriptionView{Subscription: s, Online: e.online(s.Key())}
	}
	return views, nil
}

func (e *Engine) online(key store.SubscriptionKey) bool {
	for _, s := range e.hub.sessions.of(key.Subscriber) {
		if sub := s.open(key.Channel); sub != nil && sub.durable {
			return true
		}
	}
	return false
}
