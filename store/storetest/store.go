// Package storetest is the conformance suite that every store driver runs: the
// contract of package store, as tests.
package storetest

import (
	"context"
	"time"

	"pushgate/store"
)

// Store is all that a driver offers. The engine sees it through smaller
// interfaces of its own.
type Store interface {
	// Append stores a batch in one transaction and answers one Appended per
	// message, in order. Channels that do not exist are created. Several
	// messages of one channel in one batch get consecutive seqs; two messages
	// with the same id in one batch: the second is a duplicate of the first.
	Append(ctx context.Context, batch store.Batch) ([]store.Appended, error)
	// Positions answers where the next batch of each key starts, in First and in
	// Next: one Position for every incarnation of which something was ever stored,
	// in the order of the keys, those of one key by incarnation.
	Positions(ctx context.Context, keys []store.SourceKey) ([]store.Position, error)
	// Pages reads one page per request, in order. now decides which messages'
	// time to live has ended.
	Pages(ctx context.Context, now time.Time, requests []store.PageRequest) ([]store.Page, error)
	// Tails answers one Tail per channel, in order, known or not, without
	// creating any.
	Tails(ctx context.Context, channels []string) ([]store.Tail, error)
	// FindMessage finds a retained message by its id, given or generated.
	FindMessage(ctx context.Context, now time.Time, channel, id string) (store.Message, error)

	// Subscribe creates each subscription that is not there yet (and its
	// channel), and answers one Subscription per request, in order. The same
	// key twice in one call answers the same subscription.
	Subscribe(ctx context.Context, requests []store.NewSubscription) ([]store.Subscription, error)
	// Subscriptions are all durable subscriptions of the given subscribers,
	// ordered by subscriber and channel.
	Subscriptions(ctx context.Context, subscribers []string) ([]store.Subscription, error)
	// Unsubscribe deletes a subscription, and says whether it was there.
	Unsubscribe(ctx context.Context, key store.SubscriptionKey) (existed bool, err error)
	// WriteCursors moves cursors forward; one that would go back, that passes
	// the channel's newest seq, or whose subscription is gone changes nothing.
	WriteCursors(ctx context.Context, cursors []store.Cursor) error
	// Touch notes that subscriptions are in use at now; those noted at or after
	// staleBefore already are not written again. Subscribe counts as a use.
	Touch(ctx context.Context, keys []store.SubscriptionKey, now, staleBefore time.Time) error
	// ExpireSubscriptions deletes at most limit subscriptions of a channel that
	// were last in use before the given time, and names them.
	ExpireSubscriptions(ctx context.Context, channel string, before time.Time, limit int) ([]store.SubscriptionKey, error)
	// ListSubscriptions is one page for an operator.
	ListSubscriptions(ctx context.Context, query store.SubscriptionQuery) ([]store.Subscription, error)

	// Channel describes one channel, subscriptions counted; ErrNotFound if nobody
	// ever published or subscribed durably to it.
	Channel(ctx context.Context, name string) (store.Channel, error)
	ListChannels(ctx context.Context, query store.ChannelQuery) ([]store.Channel, error)
	// Trim does one small step of removing a channel's head; ErrNotFound if nobody
	// ever published or subscribed durably to it.
	Trim(ctx context.Context, trim store.Trim) (store.Trimmed, error)
	// ExpireMessages deletes at most limit messages whose own time to live ended
	// at or before now, over all channels, and raises the floor of a channel
	// over the head that it cleared (ReasonExpired).
	ExpireMessages(ctx context.Context, now time.Time, limit int) (deleted int, more bool, err error)

	// Revoke stores a revocation, in the place of one with the same names: then the
	// later IssuedBefore and the later Expires of both stay. It answers what is
	// stored, under a number greater than any before, and forgets those that expired
	// at or before r.Created. Numbers become visible in order.
	Revoke(ctx context.Context, r store.Revocation) (store.Revocation, error)
	// Revocations answers at most limit of those whose number is greater than after,
	// by number.
	Revocations(ctx context.Context, after uint64, limit int) ([]store.Revocation, error)

	// Migrate brings the schema to the newest version. Several processes may
	// call it at once. It answers the versions before and after.
	Migrate(ctx context.Context) (from, to int, err error)
	// Check says, a line each, which settings of the database weaken the
	// promise of Append; nil when it holds.
	Check(ctx context.Context) (warnings []string, err error)
	// Ping says whether the store can be reached and written to now.
	Ping(ctx context.Context) error
	Close() error
}
