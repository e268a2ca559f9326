package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"pushgate/store"
)

// Positions answers one Position per key, in order, in one query.
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
	positions := make([]store.Position, len(keys))
	sources, topics, partitions := make([]string, len(keys)), make([]string, len(keys)), make([]int, len(keys))
	for i, key := range keys {
		positions[i].SourceKey = key
		sources[i], topics[i], partitions[i] = key.Source, key.Topic, key.Partition
	}
	rows, err := conn.Query(ctx, positionsSQL, sources, topics, partitions)
	if err != nil {
		return nil, err
	}
	var ord, next int64
	var incarnation string
	_, err = pgx.ForEachRow(rows, []any{&ord, &incarnation, &next}, func() error {
		p := &positions[ord-1]
		p.First, p.Next, p.Incarnation = next, next, incarnation
		return nil
	})
	return positions, err
}

// replayed answers a store.ReplayedError if some of the records that p stands
// for are stored.
func replayed(ctx context.Context, conn *pgx.Conn, p *store.Position) error {
	stored, err := readPositions(ctx, conn, []store.SourceKey{p.SourceKey})
	if err != nil {
		return err
	}
	if p.Replays(stored[0]) {
		return &store.ReplayedError{Stored: stored[0]}
	}
	return nil
}

const positionsSQL = `
SELECT w.ord, p.incarnation, p.next_offset
FROM unnest($1::text[], $2::text[], $3::int[]) WITH ORDINALITY AS w(source, topic, partition, ord)
JOIN positions p ON p.source = w.source AND p.topic = w.topic AND p.partition = w.partition`
