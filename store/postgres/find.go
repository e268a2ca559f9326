package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pushgate/store"
)

// FindMessage finds a retained message by its id, given or generated; the error
// wraps store.ErrNotFound if there is none at now.
func (s *Store) FindMessage(ctx context.Context, now time.Time, channel, id string) (found store.Message, err error) {
	epoch, seq, _ := splitGeneratedID(channel, id)
	err = s.do(ctx, "find a message", func(ctx context.Context, conn *pgx.Conn) error {
		var row messageRow
		var channelEpoch string
		err := conn.QueryRow(ctx, findSQL, channel, id, epoch, bigint(seq), moment(now)).
			Scan(append([]any{&channelEpoch}, row.targets()...)...)
		if errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("message: %w", store.ErrNotFound)
		}
		if err == nil {
			found = row.message(channel, channelEpoch)
		}
		return err
	})
	return found, err
}

const findSQL = `
SELECT c.epoch, ` + messageColumns + `
FROM channels c
CROSS JOIN LATERAL (
	SELECT * FROM messages m WHERE m.channel_id = c.id AND m.message_id = $2
	UNION ALL
	SELECT * FROM messages m WHERE m.channel_id = c.id AND m.seq = $4 AND m.message_id IS NULL AND c.epoch = $3
) m
WHERE c.name = $1 AND m.seq > c.floor AND (m.expires_at IS NULL OR m.expires_at > $5)
LIMIT 1`
