package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"pushgate/store"
)

// writeAttempts bounds the repetitions of a write that met a deadlock.
const writeAttempts = 3

// WriteCursors moves cursors forward, all in one statement. One that would go
// back, that passes its channel's newest seq, or whose subscription is gone
// changes nothing.
func (s *Store) WriteCursors(ctx context.Context, cursors []store.Cursor) error {
	if len(cursors) == 0 {
		return nil
	}
	subscribers, channels, seqs := make([]string, len(cursors)), make([]string, len(cursors)), make([]int64, len(cursors))
	for i, c := range cursors {
		subscribers[i], channels[i], seqs[i] = c.Subscriber, c.Channel, bigint(c.Seq)
	}
	return s.execute(ctx, "write cursors", writeCursorsSQL, subscribers, channels, seqs)
}

// The newest valid seq of each key wins, should a key come twice.
const writeCursorsSQL = `
WITH wanted AS (
	SELECT c.id, w.subscriber, max(w.seq) AS seq
	FROM unnest($1::text[], $2::text[], $3::bigint[]) AS w(subscriber, channel, seq)
	JOIN channels c ON c.name = w.channel AND w.seq <= c.last_seq
	GROUP BY c.id, w.subscriber
), locked AS MATERIALIZED (
	SELECT s.subscriber, s.channel_id, w.seq
	FROM wanted w
	JOIN subscriptions s ON s.subscriber = w.subscriber AND s.channel_id = w.id
	WHERE s.cursor < w.seq
	ORDER BY s.channel_id, s.subscriber
	FOR NO KEY UPDATE OF s
)
UPDATE subscriptions s SET cursor = l.seq
FROM locked l
WHERE s.subscriber = l.subscriber AND s.channel_id = l.channel_id AND s.cursor < l.seq`

// Touch notes that subscriptions are in use at now; those noted at or after
// staleBefore already are not written again.
func (s *Store) Touch(ctx context.Context, keys []store.SubscriptionKey, now, staleBefore time.Time) error {
	if len(keys) == 0 {
		return nil
	}
	subscribers, channels := make([]string, len(keys)), make([]string, len(keys))
	for i, key := range keys {
		subscribers[i], channels[i] = key.Subscriber, key.Channel
	}
	return s.execute(ctx, "touch subscriptions", touchSQL, subscribers, channels, moment(now), moment(staleBefore))
}

const touchSQL = `
WITH wanted AS (
	SELECT DISTINCT c.id, w.subscriber
	FROM unnest($1::text[], $2::text[]) AS w(subscriber, channel)
	JOIN channels c ON c.name = w.channel
), locked AS MATERIALIZED (
	SELECT s.subscriber, s.channel_id
	FROM wanted w
	JOIN subscriptions s ON s.subscriber = w.subscriber AND s.channel_id = w.id
	WHERE s.active_at < least($3::timestamptz, $4::timestamptz)
	ORDER BY s.channel_id, s.subscriber
	FOR NO KEY UPDATE OF s
)
UPDATE subscriptions s SET active_at = $3
FROM locked l
WHERE s.subscriber = l.subscriber AND s.channel_id = l.channel_id AND s.active_at < least($3::timestamptz, $4::timestamptz)`

// execute runs a write that may be repeated.
func (s *Store) execute(ctx context.Context, action, sql string, arguments ...any) error {
	return s.do(ctx, action, func(ctx context.Context, conn *pgx.Conn) (err error) {
		for range writeAttempts {
			if _, err = conn.Exec(ctx, sql, arguments...); !retryable(err) {
				break
			}
		}
		return err
	})
}
