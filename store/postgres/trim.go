package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pushgate/store"
)

// Trim does one small step of removing a channel's head, in one transaction
// behind the channel's lock; the error wraps store.ErrNotFound if there is no
// such channel.
func (s *Store) Trim(ctx context.Context, trim store.Trim) (trimmed store.Trimmed, err error) {
	err = s.transact(ctx, "trim", func(ctx context.Context, tx pgx.Tx) error {
		c, err := lockHead(ctx, tx, trim.Channel)
		if err != nil {
			return err
		}
		before := *c
		limit := max(trim.Limit, 0)
		if err := c.purge(ctx, tx, bigint(trim.PurgeTo)); err != nil {
			return err
		}
		deleted, err := c.sweep(ctx, tx, limit)
		if err != nil {
			return err
		}
		gone, more, err := c.cut(ctx, tx, trim, limit-deleted)
		if err != nil {
			return err
		}
		trimmed = store.Trimmed{Tail: c.tail(trim.Channel), Deleted: deleted + gone, More: more || c.removed < c.floor}
		if *c == before {
			return nil
		}
		_, err = tx.Exec(ctx, `
			UPDATE channels SET floor = $2, floor_reason = $3, removed = $4, messages = $5, bytes = $6
			WHERE id = $1`, c.id, c.floor, c.reason, c.removed, c.messages, c.bytes)
		return err
	})
	return trimmed, err
}

// head is a channel whose row this transaction has locked.
type head struct {
	tailRow
	id, removed     int64
	messages, bytes int64
}

func lockHead(ctx context.Context, tx pgx.Tx, name string) (*head, error) {
	var c head
	err := tx.QueryRow(ctx, `
		SELECT c.id, c.removed, c.messages, c.bytes, `+tailColumns+`
		FROM channels c WHERE c.name = $1 FOR NO KEY UPDATE`, name).
		Scan(append([]any{&c.id, &c.removed, &c.messages, &c.bytes}, c.targets()...)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("channel: %w", store.ErrNotFound)
	}
	return &c, err
}

// purge raises the floor at once; the counters are counted anew from whichever
// side of the new floor is the smaller.
func (c *head) purge(ctx context.Context, tx pgx.Tx, to int64) error {
	to = min(to, c.lastSeq)
	if to <= c.floor {
		return nil
	}
	from, until := to, c.lastSeq
	if to-c.floor < c.lastSeq-to {
		from, until = c.floor, to
	}
	var messages, bytes int64
	if from < until {
		if err := tx.QueryRow(ctx, `
			SELECT count(*), coalesce(sum(octet_length(data)), 0)::bigint
			FROM messages WHERE channel_id = $1 AND seq > $2 AND seq <= $3`, c.id, from, until).Scan(&messages, &bytes); err != nil {
			return err
		}
	}
	if from != to {
		messages, bytes = c.messages-messages, c.bytes-bytes
	}
	c.floor, c.reason, c.messages, c.bytes = to, string(store.ReasonPurged), messages, bytes
	return nil
}

// sweep deletes rows under the floor.
func (c *head) sweep(ctx context.Context, tx pgx.Tx, limit int) (deleted int, err error) {
	if c.removed == c.floor {
		return 0, nil
	}
	rows, err := tx.Query(ctx, `
		SELECT seq FROM messages WHERE channel_id = $1 AND seq > $2 AND seq <= $3
		ORDER BY seq LIMIT $4`, c.id, c.removed, c.floor, int64(limit)+1)
	if err != nil {
		return 0, err
	}
	seqs, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return 0, err
	}
	if len(seqs) > limit {
		if limit == 0 {
			return 0, nil
		}
		seqs = seqs[:limit]
		return limit, c.delete(ctx, tx, seqs[limit-1])
	}
	return len(seqs), c.delete(ctx, tx, c.floor)
}

// delete removes the rows that are left up to a seq.
func (c *head) delete(ctx context.Context, tx pgx.Tx, to int64) error {
	_, err := tx.Exec(ctx, `DELETE FROM messages WHERE channel_id = $1 AND seq > $2 AND seq <= $3`, c.id, c.removed, to)
	c.removed = to
	return err
}

// cut deletes the oldest messages that are too old or too many, and says
// whether there are more of them.
func (c *head) cut(ctx context.Context, tx pgx.Tx, trim store.Trim, limit int) (deleted int, more bool, err error) {
	if c.removed < c.floor {
		return 0, true, nil
	}
	if trim.Before.IsZero() && trim.KeepMessages == 0 && trim.KeepBytes == 0 {
		return 0, false, nil
	}
	rows, err := tx.Query(ctx, `
		SELECT seq, published_at, octet_length(data) FROM messages
		WHERE channel_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`, c.id, c.floor, int64(limit)+1)
	if err != nil {
		return 0, false, err
	}
	oldest, err := pgx.CollectRows(rows, pgx.RowToStructByPos[oldMessage])
	if err != nil {
		return 0, false, err
	}
	reason, n := c.reason, 0
	for ; n < len(oldest); n++ {
		why := c.excess(trim, oldest[n])
		if why == "" {
			break
		}
		if n == limit {
			more = true
			break
		}
		reason = why
		c.messages--
		c.bytes -= oldest[n].Bytes
	}
	if n == 0 {
		return 0, more, nil
	}
	if err := c.delete(ctx, tx, oldest[n-1].Seq); err != nil {
		return 0, false, err
	}
	// Holes behind the last one deleted belong to the removed head as well.
	floor := c.lastSeq
	if n < len(oldest) {
		floor = oldest[n].Seq - 1
	}
	if floor > c.removed {
		reason = string(store.ReasonExpired)
	}
	c.floor, c.removed, c.reason = floor, floor, reason
	return n, more, nil
}

type oldMessage struct {
	Seq       int64
	Published time.Time
	Bytes     int64
}

// excess says why the oldest message goes; "" when it stays.
func (c *head) excess(trim store.Trim, oldest oldMessage) string {
	switch {
	case oldest.Published.Before(moment(trim.Before)):
		return string(store.ReasonExpired)
	case trim.KeepMessages > 0 && uint64(c.messages) > trim.KeepMessages,
		trim.KeepBytes > 0 && uint64(c.bytes) > trim.KeepBytes && c.messages > 1:
		return string(store.ReasonLimit)
	}
	return ""
}
