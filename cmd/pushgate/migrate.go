package main

import (
	"context"
	"fmt"

	"pushgate/cmd/pushgate/config"
)

type migrateCommand struct {
	config.Flags `embed:""`
}

// Run migrates the store and says from where to where.
func (c *migrateCommand) Run(ctx context.Context, t terminal) error {
	logger, _, err := newLogger(t.err, c.Log)
	if err != nil {
		return err
	}
	db, driver, err := openDatabase(ctx, &c.Flags, logger)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	from, to, err := db.Migrate(ctx)
	if err != nil {
		return fmt.Errorf("migrating the store: %w", err)
	}
	_, err = fmt.Fprintf(t.out, "%s: schema version %d → %d\n", driver, from, to)
	return err
}
