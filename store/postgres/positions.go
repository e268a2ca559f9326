package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"pushgate/store"
)

// Positions answers the positions of keys, one per incarnation, in one query.
func (s *Store) Positions(ctx context.Context, keys []store.SourceKey) (positions []store.Position, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	err = s.do(ctx, "read positions", func(ctx context.Context, conn *pgx.Conn) error {
		positions, err = readPositions(ctx, conn, keys)
		return err
	})
	if err != nil {
		return nil, err
	}
	return positions, nil
}

func readPositions(ctx context.Context, conn *pgx.Conn, keys []store.SourceKey) ([]store.Position, error) {
	var positions []store.Position
	sources, topics, partitions := make([]string, len(keys)), make([]string, len(keys)), make([]int, len(keys))
	for i, key := range keys {
		sources[i], topics[i], partitions[i] = key.Source, key.Topic, key.Partition
	}
	rows, err := conn.Query(ctx, positionsSQL, sources, topics, partitions)
	if err != nil {
		return nil, err
	}
	var ord int
	var p store.Position
	_, err = pgx.ForEachRow(rows, []any{&ord, &p.Incarnation, &p.Life, &p.Next}, func() error {
		p.SourceKey, p.First = keys[ord-1], p.Next
		positions = append(positions, p)
		return nil
	})
	return positions, err
}

// replayed answers a store.ReplayedError if some of the records that p stands
// for are stored.
func replayed(ctx context.Context, conn *pgx.Conn, p *store.Position) error {
	positions, err := readPositions(ctx, conn, []store.SourceKey{p.SourceKey})
	if err != nil {
		return err
	}
	for _, stored := range positions {
		if p.Replays(stored) {
			return &store.ReplayedError{Stored: stored}
		}
	}
	return nil
}

const positionsSQL = `
SELECT w.ord, p.incarnation, p.life, p.next_offset
FROM unnest($1::text[], $2::text[], $3::int[]) WITH ORDINALITY AS w(source, topic, partition, ord)
JOIN positions p ON p.source = w.source AND p.topic = w.topic AND p.partition = w.partition
ORDER BY w.ord, p.incarnation`
