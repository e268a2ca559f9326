package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"pushgate/store"
)

// Subscribe creates each subscription that is not there yet, and its channel,
// and answers one Subscription per request, in order; one round trip for all.
func (s *Store) Subscribe(ctx context.Context, requests []store.NewSubscription) ([]store.Subscription, error) {
	if len(requests) == 0 {
		return nil, nil
	}
	w := newSubscriptions(requests)
	var created map[store.SubscriptionKey]bool
	var present map[store.SubscriptionKey]store.Subscription
	err := s.do(ctx, "subscribe", func(ctx context.Context, conn *pgx.Conn) (err error) {
		for range writeAttempts {
			if created, present, err = w.write(ctx, conn); !retryable(err) {
				break
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	subs := make([]store.Subscription, len(requests))
	for i, r := range requests {
		key := store.SubscriptionKey{Subscriber: r.Subscriber, Channel: r.Channel}
		subs[i] = present[key]
		subs[i].Existed = !created[key]
		delete(created, key) // the same key again finds what the first made
	}
	return subs, nil
}

// subscriptionColumns are the wanted subscriptions, one entry per key.
type subscriptionColumns struct {
	subscribers, channels []string
	starts, seqs          []int64
	nows                  []time.Time
}

func newSubscriptions(requests []store.NewSubscription) *subscriptionColumns {
	var w subscriptionColumns
	index := make(map[store.SubscriptionKey]int, len(requests))
	for _, r := range requests {
		key := store.SubscriptionKey{Subscriber: r.Subscriber, Channel: r.Channel}
		if i, ok := index[key]; ok {
			if now := moment(r.Now); now.After(w.nows[i]) {
				w.nows[i] = now
			}
			continue
		}
		index[key] = len(w.nows)
		w.subscribers, w.channels = append(w.subscribers, r.Subscriber), append(w.channels, r.Channel)
		w.starts, w.seqs = append(w.starts, int64(r.From.Start)), append(w.seqs, bigint(r.From.Seq))
		w.nows = append(w.nows, moment(r.Now))
	}
	return &w
}

// write runs three statements in one implicit transaction: the last one, with a
// snapshot of its own, reads cursors and tails together.
func (w *subscriptionColumns) write(ctx context.Context, conn *pgx.Conn) (map[store.SubscriptionKey]bool, map[store.SubscriptionKey]store.Subscription, error) {
	created := make(map[store.SubscriptionKey]bool)
	present := make(map[store.SubscriptionKey]store.Subscription, len(w.nows))
	batch := &pgx.Batch{}
	batch.Queue(createChannelsSQL, w.channels)
	batch.Queue(subscribeSQL, w.subscribers, w.channels, w.starts, w.seqs, w.nows).Query(func(rows pgx.Rows) error {
		var key store.SubscriptionKey
		_, err := pgx.ForEachRow(rows, []any{&key.Subscriber, &key.Channel}, func() error {
			created[key] = true
			return nil
		})
		return err
	})
	batch.Queue(presentSQL, w.subscribers, w.channels).Query(func(rows pgx.Rows) error {
		return readSubscriptions(rows, func(sub store.Subscription) { present[sub.Key()] = sub })
	})
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return nil, nil, err
	}
	if len(present) < len(w.nows) {
		return nil, nil, errors.New("a subscription vanished while it was made")
	}
	return created, present, nil
}

// subscribeSQL inserts or touches in the order of (channel_id, subscriber), and
// answers those that are new. A row is new exactly when no older version had to
// be locked for it.
const subscribeSQL = `
WITH written AS (
	INSERT INTO subscriptions AS s (subscriber, channel_id, cursor, start_seq, created_at, active_at)
	SELECT w.subscriber, w.id, w.seq, w.seq, w.now, w.now
	FROM (
		SELECT w.subscriber, w.now, c.id,
			CASE w.start WHEN 0 THEN c.last_seq WHEN 1 THEN c.floor ELSE least(greatest(w.seq, c.floor), c.last_seq) END AS seq
		FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[]) AS w(subscriber, channel, start, seq, now)
		JOIN channels c ON c.name = w.channel
	) w
	ORDER BY w.id, w.subscriber COLLATE "C"
	ON CONFLICT (subscriber, channel_id) DO UPDATE SET active_at = excluded.active_at
	WHERE s.active_at < excluded.active_at
	RETURNING s.subscriber, s.channel_id, s.xmax = 0 AS created
)
SELECT n.subscriber, c.name
FROM written n
JOIN channels c ON c.id = n.channel_id
WHERE n.created`

// presentSQL joins twice so that the planner, which knows nothing of a channel
// with a million subscriptions, has no way to find one but by the whole key.
const presentSQL = `
WITH wanted AS MATERIALIZED (
	SELECT w.subscriber, c.*
	FROM unnest($1::text[], $2::text[]) AS w(subscriber, channel)
	JOIN channels c ON c.name = w.channel
)
SELECT ` + subscriptionSelect + `
FROM wanted c
JOIN subscriptions s ON s.subscriber = c.subscriber AND s.channel_id = c.id`
