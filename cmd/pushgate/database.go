package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pushgate/cmd/pushgate/config"
	"pushgate/push"
	"pushgate/store"
	"pushgate/store/postgres"
	"pushgate/store/sqlite"
)

// database is a store with what only its owner may do.
type database interface {
	push.Store
	Positions(ctx context.Context, keys []store.SourceKey) ([]store.Position, error)
	Migrate(ctx context.Context) (from, to int, err error)
	Check(ctx context.Context) (warnings []string, err error)
	Close() error
}

// openDatabase opens the store that the configuration names, and answers the
// name of its driver. A server that does not answer is waited for.
func openDatabase(ctx context.Context, f *config.Flags, logger *slog.Logger) (database, string, error) {
	if f.Store.URL == "" || strings.HasPrefix(f.Store.URL, "sqlite:") {
		db, err := openSQLite(f, logger)
		return db, "sqlite", err
	}
	db, err := postgres.Open(ctx, f.Store.URL, postgres.Options{
		MaxConns:         f.Store.Connections,
		StatementTimeout: time.Duration(f.Store.Timeout),
	})
	if err != nil {
		return nil, "", usageError{"store.url: " + strings.TrimPrefix(err.Error(), "postgres: ")}
	}
	if err := waitFor(ctx, db.Ping, time.Duration(f.Store.ConnectTimeout), logger); err != nil {
		return nil, "", errors.Join(err, db.Close())
	}
	return db, "postgres", nil
}

func openSQLite(f *config.Flags, logger *slog.Logger) (database, error) {
	key, path := "data_dir", filepath.Join(f.DataDir, "pushgate.db")
	if url, given := strings.CutPrefix(f.Store.URL, "sqlite:"); given {
		key, path = "store.url", strings.TrimPrefix(url, "//")
	}
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	_, missing := os.Stat(path)
	db, err := sqlite.Open(path, sqlite.Options{Readers: f.Store.Connections, Relaxed: f.Store.SQLiteRelaxed})
	var denied *fs.PathError
	switch {
	case err == nil:
	case errors.Is(err, store.ErrSchema):
		return nil, err
	case errors.Is(err, store.ErrUnavailable):
		return nil, fmt.Errorf("%s: %s cannot be opened: %w; stop that process, or set %s to another place", key, path, err, key)
	case errors.As(err, &denied):
		return nil, fmt.Errorf("%s: %s cannot be created or written: %w; set %s to a directory that can be", key, denied.Path, denied.Err, key)
	default:
		return nil, fmt.Errorf("%s: %s cannot be opened: %w", key, path, err)
	}
	if errors.Is(missing, fs.ErrNotExist) {
		logger.Info("created a new database", "path", path)
	} else {
		logger.Info("opened the database", "path", path)
	}
	return db, nil
}

// prepare brings the schema up to date if it may, and tells what weakens the
// promise that a message answered with OK is not lost.
func prepare(ctx context.Context, db database, f *config.Flags, logger *slog.Logger) error {
	if f.Store.Migrate {
		from, to, err := db.Migrate(ctx)
		if err != nil {
			return fmt.Errorf("migrating the store: %w", err)
		}
		if from != to {
			logger.Info("migrated the store", "from", from, "to", to)
		}
	}
	warnings, err := db.Check(ctx)
	if err != nil {
		return fmt.Errorf("checking the store: %w", err)
	}
	for _, warning := range warnings {
		logger.Warn("MESSAGES CAN BE LOST: the store does not keep what it is asked to; " + warning)
	}
	// Any read tells whether the schema is there.
	if _, err := db.Tails(ctx, []string{"pushgate"}); err != nil {
		if errors.Is(err, store.ErrSchema) {
			return fmt.Errorf("%w; run: pushgate migrate", err)
		}
		return fmt.Errorf("reading the store: %w", err)
	}
	return nil
}
