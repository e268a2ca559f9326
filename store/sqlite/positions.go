package sqlite

import (
	"context"
	"fmt"

	"pushgate/store"
)

// Positions answers the positions of keys, one per incarnation.
func (s *Store) Positions(ctx context.Context, keys []store.SourceKey) (positions []store.Position, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	err = s.read(ctx, "read positions", func(c *conn) error {
		for _, key := range keys {
			found, err := positionsOf(c, key)
			if err != nil {
				return err
			}
			positions = append(positions, found...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return positions, nil
}

func positionsOf(c *conn, key store.SourceKey) (positions []store.Position, err error) {
	err = c.rows(`SELECT incarnation, life, next_offset FROM positions
		WHERE source = ? AND topic = ? AND partition = ? ORDER BY incarnation`,
		[]any{key.Source, key.Topic, key.Partition},
		func(scan func(...any) error) (bool, error) {
			p := store.Position{SourceKey: key}
			err := scan(&p.Incarnation, &p.Life, &p.Next)
			p.First = p.Next
			positions = append(positions, p)
			return false, err
		})
	if err != nil {
		return nil, fmt.Errorf("find a position: %w", err)
	}
	return positions, nil
}

// advance moves a position, or fails with a store.ReplayedError.
func (t *tx) advance(p *store.Position) error {
	positions, err := positionsOf(t.conn, p.SourceKey)
	if err != nil {
		return err
	}
	for _, stored := range positions {
		if p.Replays(stored) {
			return &store.ReplayedError{Stored: stored}
		}
	}
	_, err = t.exec(`INSERT INTO positions (source, topic, partition, incarnation, life, next_offset) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (source, topic, partition, incarnation) DO UPDATE SET life = excluded.life, next_offset = excluded.next_offset`,
		p.Source, p.Topic, p.Partition, p.Incarnation, p.Life, p.Next)
	if err != nil {
		return fmt.Errorf("advance a position: %w", err)
	}
	return nil
}
