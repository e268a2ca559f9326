package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// ExpireMessages deletes at most limit messages whose own time to live ended at
// or before now, over all channels, and raises the floors of the heads that it
// cleared.
func (s *Store) ExpireMessages(ctx context.Context, now time.Time, limit int) (deleted int, more bool, err error) {
	limit = max(limit, 0)
	err = s.transact(ctx, "expire messages", func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT channel_id, seq FROM messages WHERE expires_at <= $1
			ORDER BY expires_at LIMIT $2`, moment(now), int64(limit)+1)
		if err != nil {
			return err
		}
		var channels, seqs []int64
		var channel, seq int64
		if _, err := pgx.ForEachRow(rows, []any{&channel, &seq}, func() error {
			channels, seqs = append(channels, channel), append(seqs, seq)
			return nil
		}); err != nil {
			return err
		}
		more = len(seqs) > limit
		channels, seqs = channels[:min(limit, len(seqs))], seqs[:min(limit, len(seqs))]
		if len(seqs) == 0 {
			return nil
		}
		if _, err := tx.Exec(ctx, `SELECT FROM channels WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE`, channels); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, expireSQL, channels, seqs).Scan(&deleted); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, raiseFloorsSQL, channels)
		return err
	})
	if err != nil {
		return 0, false, err
	}
	return deleted, more, nil
}

// expireSQL deletes rows, and takes those over the floor out of the counters.
const expireSQL = `
WITH gone AS (
	DELETE FROM messages m
	USING unnest($1::bigint[], $2::bigint[]) AS w(channel_id, seq)
	WHERE m.channel_id = w.channel_id AND m.seq = w.seq
	RETURNING m.channel_id, m.seq, octet_length(m.data) AS bytes
), counted AS (
	UPDATE channels c SET messages = c.messages - g.messages, bytes = c.bytes - g.bytes
	FROM (
		SELECT g.channel_id, count(*) AS messages, sum(g.bytes) AS bytes
		FROM gone g JOIN channels o ON o.id = g.channel_id AND g.seq > o.floor
		GROUP BY g.channel_id
	) g
	WHERE c.id = g.channel_id
)
SELECT count(*) FROM gone`

// raiseFloorsSQL moves each floor up to the first message that is left, with a
// snapshot that sees what expireSQL deleted.
const raiseFloorsSQL = `
UPDATE channels c
SET floor = h.floor, floor_reason = 'expired', removed = CASE WHEN c.removed = c.floor THEN h.floor ELSE c.removed END
FROM (
	SELECT o.id, coalesce((
		SELECT m.seq - 1 FROM messages m WHERE m.channel_id = o.id AND m.seq > o.floor ORDER BY m.seq LIMIT 1
	), o.last_seq) AS floor
	FROM channels o WHERE o.id = ANY($1::bigint[])
) h
WHERE c.id = h.id AND h.floor > c.floor`
