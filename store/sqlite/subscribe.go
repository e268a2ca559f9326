package sqlite

import (
	"context"
	"errors"
	"fmt"

	"pushgate/store"
)

// Subscribe creates the subscriptions that are not there yet.
func (s *Store) Subscribe(ctx context.Context, requests []store.NewSubscription) ([]store.Subscription, error) {
	if len(requests) == 0 {
		return nil, nil
	}
	results := make([]store.Subscription, len(requests))
	err := s.write(ctx, "subscribe", func(t *tx) error {
		for i, request := range requests {
			ch, err := t.ensureChannel(request.Channel)
			if err != nil {
				return fmt.Errorf("find the channel: %w", err)
			}
			if results[i], err = t.subscribe(ch, request); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

func (t *tx) subscribe(ch *channel, request store.NewSubscription) (store.Subscription, error) {
	now := request.Now.UnixMilli()
	sub := store.Subscription{Subscriber: request.Subscriber, Tail: ch.tail(), Existed: true}
	var created, active int64
	err := t.row("SELECT cursor, start_seq, created_at, active_at FROM subscriptions WHERE subscriber = ? AND channel_id = ?",
		[]any{request.Subscriber, ch.id}, &sub.Cursor, &sub.StartSeq, &created, &active)
	switch {
	case errors.Is(err, errNoRows):
		sub.Cursor, sub.Created, sub.Existed = firstCursor(request.From, sub.Tail), moment(now), false
		sub.StartSeq = sub.Cursor
		_, err = t.exec(`INSERT INTO subscriptions (subscriber, channel_id, cursor, start_seq, created_at, active_at)
			VALUES (?, ?, ?, ?, ?, ?)`, request.Subscriber, ch.id, sub.Cursor, sub.StartSeq, now, now)
		if err != nil {
			return store.Subscription{}, fmt.Errorf("insert a subscription: %w", err)
		}
		return sub, nil
	case err != nil:
		return store.Subscription{}, fmt.Errorf("find a subscription: %w", err)
	}
	sub.Created = moment(created)
	if active < now {
		_, err = t.exec("UPDATE subscriptions SET active_at = ? WHERE subscriber = ? AND channel_id = ?", now, request.Subscriber, ch.id)
	}
	return sub, err
}

func firstCursor(from store.From, tail store.Tail) uint64 {
	switch from.Start {
	case store.StartEarliest:
		return tail.Floor
	case store.StartAfter:
		return min(max(from.Seq, tail.Floor), tail.LastSeq)
	default:
		return tail.LastSeq
	}
}

// Unsubscribe deletes a subscription.
func (s *Store) Unsubscribe(ctx context.Context, key store.SubscriptionKey) (existed bool, err error) {
	err = s.write(ctx, "unsubscribe", func(t *tx) error {
		n, err := t.exec("DELETE FROM subscriptions WHERE subscriber = ? AND channel_id = (SELECT id FROM channels WHERE name = ?)",
			key.Subscriber, key.Channel)
		existed = n > 0
		return err
	})
	return existed && err == nil, err
}
