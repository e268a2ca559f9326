package sqlite

import (
	"context"
	"database/sql"
	"slices"

	"pushgate/store"
)

const subscriptionColumns = "s.subscriber, s.cursor, s.start_seq, s.created_at, c.name, c.epoch, c.last_seq, c.floor, c.floor_reason"

func scanSubscription(scan func(...any) error, more ...any) (store.Subscription, error) {
	var sub store.Subscription
	var created int64
	err := scan(append([]any{&sub.Subscriber, &sub.Cursor, &sub.StartSeq, &created,
		&sub.Channel, &sub.Epoch, &sub.LastSeq, &sub.Floor, &sub.FloorReason}, more...)...)
	sub.Created, sub.Existed = moment(created), true
	return sub, err
}

// Subscriptions are all durable subscriptions of subscribers.
func (s *Store) Subscriptions(ctx context.Context, subscribers []string) ([]store.Subscription, error) {
	if len(subscribers) == 0 {
		return nil, nil
	}
	names := slices.Compact(slices.Sorted(slices.Values(subscribers)))
	var subs []store.Subscription
	err := s.read(ctx, "read subscriptions", func(c *conn) error {
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := c.rows("SELECT "+subscriptionColumns+` FROM subscriptions s JOIN channels c ON c.id = s.channel_id
				WHERE s.subscriber = ? ORDER BY c.name`, []any{name},
				func(scan func(...any) error) (bool, error) {
					sub, err := scanSubscription(scan)
					subs = append(subs, sub)
					return false, err
				})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return subs, nil
}

// One query a kind of filter, so that each walks the index that fits it.
const (
	listSubscriptions = "SELECT " + subscriptionColumns + `,
		(SELECT m.published_at FROM messages m WHERE m.channel_id = c.id AND m.seq > max(s.cursor, c.floor) ORDER BY m.seq LIMIT 1)
		FROM subscriptions s JOIN channels c ON c.id = s.channel_id WHERE (s.subscriber, c.name) > (?1, ?2) AND s.subscriber >= ?1 `
	ofSubscriber       = "AND s.subscriber = ?4 "
	ofChannel          = "AND s.channel_id = (SELECT id FROM channels WHERE name = ?5) "
	inSubscriptionsKey = "ORDER BY s.subscriber, c.name LIMIT ?3"
)

// ListSubscriptions is one page of subscriptions. Messages whose time to live
// has ended count as pending until they are deleted.
func (s *Store) ListSubscriptions(ctx context.Context, query store.SubscriptionQuery) ([]store.Subscription, error) {
	text := listSubscriptions
	if query.Subscriber != "" {
		text += ofSubscriber
	}
	if query.Channel != "" {
		text += ofChannel
	}
	text += inSubscriptionsKey
	arguments := []any{query.After.Subscriber, query.After.Channel, query.Limit, query.Subscriber, query.Channel}
	var subs []store.Subscription
	err := s.read(ctx, "list subscriptions", func(c *conn) error {
		return c.rows(text, arguments, func(scan func(...any) error) (bool, error) {
			var oldest sql.NullInt64
			sub, err := scanSubscription(scan, &oldest)
			if oldest.Valid {
				sub.OldestPending = moment(oldest.Int64)
			}
			subs = append(subs, sub)
			return false, err
		})
	})
	if err != nil {
		return nil, err
	}
	return subs, nil
}
