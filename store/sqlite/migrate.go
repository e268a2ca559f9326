package sqlite

import (
	"context"
	"fmt"

	"pushgate/store"
)

// Migrate brings the schema to the program's version, one transaction a step.
func (s *Store) Migrate(ctx context.Context) (from, to int, err error) {
	err = s.writer.use(ctx, func(c *conn) error {
		if from, err = schemaVersion(c); err != nil {
			return err
		}
		for to = from; to < len(s.steps); to++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			// The version is part of the transaction, and a pragma takes no parameter.
			text := fmt.Sprintf("%s; PRAGMA user_version = %d", s.steps[to].SQL, s.steps[to].Version)
			if err := transaction(c, "BEGIN IMMEDIATE", func() error { return c.script(text) }); err != nil {
				return fmt.Errorf("step %d %s: %w", s.steps[to].Version, s.steps[to].Name, err)
			}
		}
		return s.ready(c)
	})
	return from, to, fault("migrate", err)
}

// ready notes that the schema fits; the caller holds the writer.
func (s *Store) ready(c *conn) error {
	if s.fits.Load() {
		return nil
	}
	if err := c.row("SELECT value FROM meta WHERE key = 'epoch'", nil, &s.epoch); err != nil {
		return fmt.Errorf("read the epoch: %w", err)
	}
	s.fits.Store(true)
	return nil
}

func schemaVersion(c *conn) (version int, err error) {
	err = c.row("PRAGMA user_version", nil, &version)
	return version, err
}

func (s *Store) checkSchema() error {
	if !s.fits.Load() {
		return fmt.Errorf("%w: it is not migrated", store.ErrSchema)
	}
	return nil
}
