package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"pushgate/store"
)

// appendAttempts bounds the repetitions after a conflict with another node.
const appendAttempts = 5

// errNothing says that a statement did nothing: it met channels that do not
// exist yet, or a position that is stored already.
var errNothing = errors.New("channels do not exist")

// Append stores a batch in one transaction: one statement for a batch without
// ids, one round trip more for one with ids.
func (s *Store) Append(ctx context.Context, batch store.Batch) (results []store.Appended, err error) {
	if len(batch.Messages) == 0 && batch.Position == nil {
		return nil, nil
	}
	write := appendPlain
	for i := range batch.Messages {
		if batch.Messages[i].ID != "" {
			write = appendIdentified
			break
		}
	}
	err = s.do(ctx, "append", func(ctx context.Context, conn *pgx.Conn) error {
		for attempt := 1; ; attempt++ {
			results, err = write(ctx, conn, batch)
			if errors.Is(err, errNothing) {
				if batch.Position != nil {
					if err := replayed(ctx, conn, batch.Position); err != nil {
						return err
					}
				}
				if err := createChannels(ctx, conn, batch.Messages); err != nil && !retryable(err) {
					return fmt.Errorf("create channels: %w", err)
				}
			} else if !retryable(err) {
				return err
			}
			if attempt == appendAttempts {
				return err
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// appendPlain stores messages none of which has an id of its own.
func appendPlain(ctx context.Context, conn *pgx.Conn, batch store.Batch) ([]store.Appended, error) {
	messages := batch.Messages
	p := newPlan(len(messages), batch.Position)
	for i := range messages {
		p.add(i, p.channel(messages[i].Channel), &messages[i])
	}
	sql, arguments := p.statement()
	rows, err := conn.Query(ctx, sql, arguments...)
	if err != nil {
		return nil, err
	}
	results := make([]store.Appended, len(messages))
	return results, p.answer(rows, messages, results)
}

// createChannels creates those channels of the messages that are not there yet.
func createChannels(ctx context.Context, conn *pgx.Conn, messages []store.Message) error {
	names := make([]string, len(messages))
	for i := range messages {
		names[i] = messages[i].Channel
	}
	_, err := conn.Exec(ctx, createChannelsSQL, names)
	return err
}

// createChannelsSQL goes in the order of names, so that two nodes never wait
// for each other; the look before the insert spares the identity's numbers.
const createChannelsSQL = `
INSERT INTO channels (name, epoch)
SELECT w.name, (SELECT value FROM meta WHERE key = 'epoch')
FROM (SELECT DISTINCT name COLLATE "C" AS name FROM unnest($1::text[]) AS w(name)) AS w
WHERE NOT EXISTS (SELECT FROM channels c WHERE c.name = w.name)
ORDER BY w.name
ON CONFLICT (name) DO NOTHING`
