package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"pushgate/migrations"
	"pushgate/store"
)

// migrationLock is the advisory lock that nodes starting at once queue at.
const migrationLock = 0x70757368_67617465

// Migrate brings the schema to the newest version, each step in a transaction
// of its own, and answers the versions before and after. Several processes may
// call it at once. It fails with store.ErrSchema when the database is newer
// than the program. Steps may take longer than StatementTimeout; only ctx ends them.
func (s *Store) Migrate(ctx context.Context) (from, to int, err error) {
	steps, err := migrations.Load(migrations.Files, "postgres")
	if err != nil {
		return 0, 0, fmt.Errorf("postgres: migrate: %w", err)
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return 0, 0, describe("migrate", err, true)
	}
	defer conn.Release()
	for first := true; ; first = false {
		before, after, err := step(ctx, conn.Conn(), steps)
		if err != nil {
			return from, to, describe("migrate", err, conn.Conn().IsClosed())
		}
		if first {
			from = before
		}
		to = after
		if to == len(steps) {
			return from, to, nil
		}
	}
}

// step applies the next migration, if there is one.
func step(ctx context.Context, conn *pgx.Conn, steps []migrations.Migration) (before, after int, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
			return err
		}
		if before, err = currentVersion(ctx, tx); err != nil {
			return err
		}
		after = before
		if before > len(steps) {
			return fmt.Errorf("%w: the database has version %d, this program knows %d", store.ErrSchema, before, len(steps))
		}
		if before == len(steps) {
			return nil
		}
		next := steps[before]
		if _, err := tx.Conn().PgConn().Exec(ctx, next.SQL).ReadAll(); err != nil {
			return fmt.Errorf("version %d (%s): %w", next.Version, next.Name, err)
		}
		after = next.Version
		_, err := tx.Exec(ctx, `INSERT INTO schema_migrations (version, name) VALUES ($1, $2)`, next.Version, next.Name)
		return err
	})
	return before, after, err
}

// currentVersion reads the version, and makes its table in a fresh database.
func currentVersion(ctx context.Context, tx pgx.Tx) (version int, err error) {
	var exists bool
	err = tx.QueryRow(ctx, `SELECT to_regclass('schema_migrations') IS NOT NULL`).Scan(&exists)
	if err == nil && !exists {
		_, err = tx.Exec(ctx, `CREATE TABLE schema_migrations (
			version    integer PRIMARY KEY,
			name       text NOT NULL,
			applied_at timestamptz NOT NULL DEFAULT now())`)
	}
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `SELECT version FROM schema_migrations ORDER BY version DESC LIMIT 1`).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return version, err
}
