package sqlite

import (
	"context"
	"errors"
	"fmt"

	"pushgate/store"
)

// Positions answers one Position per key, in order.
func (s *Store) Positions(ctx context.Context, keys []store.SourceKey) ([]store.Position, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	positions := make([]store.Position, len(keys))
	err := s.read(ctx, "read positions", func(c *conn) error {
		for i, key := range keys {
			var err error
			if positions[i], err = position(c, key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return positions, nil
}

func position(c *conn, key store.SourceKey) (store.Position, error) {
	p := store.Position{SourceKey: key}
	err := c.row("SELECT incarnation, next_offset FROM positions WHERE source = ? AND topic = ? AND partition = ?",
		[]any{key.Source, key.Topic, key.Partition}, &p.Incarnation, &p.Next)
	if err != nil && !errors.Is(err, errNoRows) {
		return p, fmt.Errorf("find a position: %w", err)
	}
	p.First = p.Next
	return p, nil
}

// advance moves a position, or fails with a store.ReplayedError.
func (t *tx) advance(p *store.Position) error {
	stored, err := position(t.conn, p.SourceKey)
	if err != nil {
		return err
	}
	if p.Replays(stored) {
		return &store.ReplayedError{Stored: stored}
	}
	_, err = t.exec(`INSERT INTO positions (source, topic, partition, incarnation, next_offset) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (source, topic, partition) DO UPDATE SET incarnation = excluded.incarnation, next_offset = excluded.next_offset`,
		p.Source, p.Topic, p.Partition, p.Incarnation, p.Next)
	if err != nil {
		return fmt.Errorf("advance a position: %w", err)
	}
	return nil
}
