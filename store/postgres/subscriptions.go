package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"pushgate/store"
)

// subscriptionSelect are the columns that readSubscriptions expects.
const subscriptionSelect = `s.subscriber, c.name, s.cursor, s.start_seq, s.created_at, ` + tailColumns

// readSubscriptions calls yield with each row; more are targets of further columns.
func readSubscriptions(rows pgx.Rows, yield func(store.Subscription), more ...any) error {
	var subscriber, channel string
	var cursor, start int64
	var created time.Time
	var tail tailRow
	targets := append([]any{&subscriber, &channel, &cursor, &start, &created}, tail.targets()...)
	_, err := pgx.ForEachRow(rows, append(targets, more...), func() error {
		yield(store.Subscription{Subscriber: subscriber, Tail: tail.tail(channel), Cursor: uint64(cursor),
			StartSeq: uint64(start), Created: instant(created), Existed: true})
		return nil
	})
	return err
}

// Subscriptions are all durable subscriptions of the given subscribers, ordered
// by subscriber and channel.
func (s *Store) Subscriptions(ctx context.Context, subscribers []string) (subs []store.Subscription, err error) {
	if len(subscribers) == 0 {
		return nil, nil
	}
	err = s.do(ctx, "read subscriptions", func(ctx context.Context, conn *pgx.Conn) error {
		subs = nil
		rows, err := conn.Query(ctx, `
			SELECT `+subscriptionSelect+`
			FROM subscriptions s
			JOIN channels c ON c.id = s.channel_id
			WHERE s.subscriber = ANY($1::text[])
			ORDER BY s.subscriber, c.name`, subscribers)
		if err != nil {
			return err
		}
		return readSubscriptions(rows, func(sub store.Subscription) { subs = append(subs, sub) })
	})
	if err != nil {
		return nil, err
	}
	return subs, nil
}

// Unsubscribe deletes a subscription, and says whether it was there.
func (s *Store) Unsubscribe(ctx context.Context, key store.SubscriptionKey) (existed bool, err error) {
	err = s.do(ctx, "unsubscribe", func(ctx context.Context, conn *pgx.Conn) error {
		tag, err := conn.Exec(ctx, `
			DELETE FROM subscriptions s USING channels c
			WHERE c.name = $2 AND s.channel_id = c.id AND s.subscriber = $1`, key.Subscriber, key.Channel)
		existed = tag.RowsAffected() > 0
		return err
	})
	return existed, err
}

// ExpireSubscriptions deletes at most limit subscriptions of a channel that were
// last in use before the given time, and names them. It walks the channel's
// subscriptions until it has found that many.
func (s *Store) ExpireSubscriptions(ctx context.Context, channel string, before time.Time, limit int) (expired []store.SubscriptionKey, err error) {
	err = s.do(ctx, "expire subscriptions", func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `
			WITH idle AS MATERIALIZED (
				SELECT s.subscriber, s.channel_id
				FROM channels c
				JOIN subscriptions s ON s.channel_id = c.id
				WHERE c.name = $1 AND s.active_at < $2
				ORDER BY s.channel_id, s.subscriber
				LIMIT $3
				FOR UPDATE OF s
			)
			DELETE FROM subscriptions s USING idle i
			WHERE s.subscriber = i.subscriber AND s.channel_id = i.channel_id AND s.active_at < $2
			RETURNING s.subscriber`, channel, moment(before), int64(max(limit, 0)))
		if err != nil {
			return err
		}
		expired = nil
		var subscriber string
		_, err = pgx.ForEachRow(rows, []any{&subscriber}, func() error {
			expired = append(expired, store.SubscriptionKey{Subscriber: subscriber, Channel: channel})
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return expired, nil
}

// ListSubscriptions is one page for an operator, in the order of (subscriber, channel).
func (s *Store) ListSubscriptions(ctx context.Context, query store.SubscriptionQuery) (subs []store.Subscription, err error) {
	arguments := []any{int64(max(query.Limit, 0))}
	var conditions strings.Builder
	where := func(condition string, values ...any) {
		numbers := make([]any, len(values))
		for i, value := range values {
			arguments = append(arguments, value)
			numbers[i] = len(arguments)
		}
		fmt.Fprintf(&conditions, " AND "+condition, numbers...)
	}
	if query.Subscriber != "" {
		where("s.subscriber = $%d", query.Subscriber)
	}
	if query.Channel != "" {
		where("c.name = $%d", query.Channel)
	}
	if query.After != (store.SubscriptionKey{}) {
		// The first half is what an index can start at.
		where("s.subscriber >= $%[1]d AND (s.subscriber > $%[1]d OR c.name > $%[2]d)", query.After.Subscriber, query.After.Channel)
	}
	sql := `
		SELECT ` + subscriptionSelect + `, oldest.published_at
		FROM (
			SELECT s.*, c.name
			FROM subscriptions s
			JOIN channels c ON c.id = s.channel_id
			WHERE true` + conditions.String() + `
			ORDER BY s.subscriber, c.name
			LIMIT $1
		) s
		JOIN channels c ON c.id = s.channel_id
		LEFT JOIN LATERAL (
			SELECT m.published_at FROM messages m
			WHERE m.channel_id = s.channel_id AND m.seq > greatest(s.cursor, c.floor)
			ORDER BY m.seq LIMIT 1
		) oldest ON true
		ORDER BY s.subscriber, c.name`
	err = s.do(ctx, "list subscriptions", func(ctx context.Context, conn *pgx.Conn) error {
		subs = nil
		rows, err := conn.Query(ctx, sql, arguments...)
		if err != nil {
			return err
		}
		var oldest *time.Time
		return readSubscriptions(rows, func(sub store.Subscription) {
			if oldest != nil {
				sub.OldestPending = instant(*oldest)
			}
			subs = append(subs, sub)
		}, &oldest)
	})
	if err != nil {
		return nil, err
	}
	return subs, nil
}
