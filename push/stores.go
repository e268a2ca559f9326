package push

import (
	"context"
	"time"

	"pushgate/store"
)

// What the engine asks of a store, by the part that asks; store/storetest
// documents each method.
type (
	// Log is where messages are kept.
	Log interface {
		Append(ctx context.Context, batch store.Batch) ([]store.Appended, error)
		Pages(ctx context.Context, now time.Time, requests []store.PageRequest) ([]store.Page, error)
		Tails(ctx context.Context, channels []string) ([]store.Tail, error)
		FindMessage(ctx context.Context, now time.Time, channel, id string) (store.Message, error)
	}
	// Subscriptions is where durable subscriptions are kept.
	Subscriptions interface {
		Subscribe(ctx context.Context, requests []store.NewSubscription) ([]store.Subscription, error)
		Subscriptions(ctx context.Context, subscribers []string) ([]store.Subscription, error)
		Unsubscribe(ctx context.Context, key store.SubscriptionKey) (existed bool, err error)
		WriteCursors(ctx context.Context, cursors []store.Cursor) error
	}
	// Upkeep is what retention needs.
	Upkeep interface {
		ListChannels(ctx context.Context, query store.ChannelQuery) ([]store.Channel, error)
		Trim(ctx context.Context, trim store.Trim) (store.Trimmed, error)
		ExpireMessages(ctx context.Context, now time.Time, limit int) (deleted int, more bool, err error)
		Touch(ctx context.Context, keys []store.SubscriptionKey, now, staleBefore time.Time) error
		ExpireSubscriptions(ctx context.Context, channel string, before time.Time, limit int) ([]store.SubscriptionKey, error)
	}
	// Directory is what operators look at.
	Directory interface {
		Channel(ctx context.Context, name string) (store.Channel, error)
		ListSubscriptions(ctx context.Context, query store.SubscriptionQuery) ([]store.Subscription, error)
		Ping(ctx context.Context) error
	}
	// Revocations is where revoked tokens are kept.
	Revocations interface {
		Revoke(ctx context.Context, r store.Revocation) (store.Revocation, error)
		Revocations(ctx context.Context, after uint64, limit int) ([]store.Revocation, error)
	}
	// Store is all of them.
	Store interface {
		Log
		Subscriptions
		Upkeep
		Directory
		Revocations
	}
)
