package sqlite

import (
	"context"
	"errors"
	"time"

	"pushgate/store"
)

// WriteCursors moves cursors forward.
func (s *Store) WriteCursors(ctx context.Context, cursors []store.Cursor) error {
	if len(cursors) == 0 {
		return nil
	}
	return s.write(ctx, "write cursors", func(t *tx) error {
		for _, cursor := range cursors {
			ch, err := t.channel(cursor.Channel)
			if errors.Is(err, errNoRows) || err == nil && cursor.Seq > ch.lastSeq {
				continue
			}
			if err != nil {
				return err
			}
			_, err = t.exec("UPDATE subscriptions SET cursor = ?1 WHERE subscriber = ?2 AND channel_id = ?3 AND cursor < ?1",
				cursor.Seq, cursor.Subscriber, ch.id)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Touch notes that subscriptions are in use.
func (s *Store) Touch(ctx context.Context, keys []store.SubscriptionKey, now, staleBefore time.Time) error {
	if len(keys) == 0 {
		return nil
	}
	if now.Before(staleBefore) {
		staleBefore = now
	}
	return s.write(ctx, "touch subscriptions", func(t *tx) error {
		for _, key := range keys {
			ch, err := t.channel(key.Channel)
			if errors.Is(err, errNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			_, err = t.exec("UPDATE subscriptions SET active_at = ? WHERE subscriber = ? AND channel_id = ? AND active_at < ?",
				now.UnixMilli(), key.Subscriber, ch.id, staleBefore.UnixMilli())
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// ExpireSubscriptions deletes subscriptions of a channel that nobody uses, the
// longest unused first.
func (s *Store) ExpireSubscriptions(ctx context.Context, name string, before time.Time, limit int) ([]store.SubscriptionKey, error) {
	var keys []store.SubscriptionKey
	err := s.write(ctx, "expire subscriptions", func(t *tx) error {
		ch, err := t.channel(name)
		if errors.Is(err, errNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return t.rows(`DELETE FROM subscriptions WHERE channel_id = ?1 AND subscriber IN
			(SELECT subscriber FROM subscriptions WHERE channel_id = ?1 AND active_at < ?2 ORDER BY active_at LIMIT ?3)
			RETURNING subscriber`, []any{ch.id, before.UnixMilli(), limit},
			func(scan func(...any) error) (bool, error) {
				key := store.SubscriptionKey{Channel: name}
				err := scan(&key.Subscriber)
				keys = append(keys, key)
				return false, err
			})
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}
