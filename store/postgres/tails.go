package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"pushgate/store"
)

// epochSQL is the epoch that a new channel gets.
const epochSQL = `(SELECT value FROM meta WHERE key = 'epoch')`

// Tails answers one Tail per channel, in order, in one query; it creates none.
func (s *Store) Tails(ctx context.Context, channels []string) ([]store.Tail, error) {
	if len(channels) == 0 {
		return nil, nil
	}
	tails := make([]store.Tail, len(channels))
	err := s.do(ctx, "read tails", func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, tailsSQL, channels)
		if err != nil {
			return err
		}
		var ord int64
		var row tailRow
		_, err = pgx.ForEachRow(rows, append([]any{&ord}, row.targets()...), func() error {
			tails[ord-1] = row.tail(channels[ord-1])
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return tails, nil
}

const tailsSQL = `
SELECT w.ord, coalesce(c.epoch, ` + epochSQL + `), coalesce(c.last_seq, 0), coalesce(c.floor, 0), coalesce(c.floor_reason, '')
FROM unnest($1::text[]) WITH ORDINALITY AS w(name, ord)
LEFT JOIN channels c ON c.name = w.name`

// tailColumns are the columns of a tailRow.
const tailColumns = `c.epoch, c.last_seq, c.floor, c.floor_reason`

// tailRow is a Tail as it is read.
type tailRow struct {
	epoch, reason  string
	lastSeq, floor int64
}

func (r *tailRow) targets() []any { return []any{&r.epoch, &r.lastSeq, &r.floor, &r.reason} }

func (r *tailRow) tail(channel string) store.Tail {
	return store.Tail{Channel: channel, Epoch: r.epoch, LastSeq: uint64(r.lastSeq),
		Floor: uint64(r.floor), FloorReason: store.Reason(r.reason)}
}
