package sqlite

import (
	"context"
	"fmt"
)

// The pragma synchronous as SQLite answers it.
const synchronousFull = 2

// Check says which settings weaken the promise of Append.
func (s *Store) Check(ctx context.Context) (warnings []string, err error) {
	err = s.writer.use(ctx, func(c *conn) error {
		var journal string
		var synchronous int
		if err := c.row("PRAGMA journal_mode", nil, &journal); err != nil {
			return err
		}
		if err := c.row("PRAGMA synchronous", nil, &synchronous); err != nil {
			return err
		}
		if journal != "wal" {
			warnings = append(warnings, fmt.Sprintf("journal_mode is %s, not wal: readers and the writer wait for each other", journal))
		}
		if synchronous < synchronousFull {
			warnings = append(warnings, "synchronous is below FULL: a power cut may lose the last messages that were acknowledged")
		}
		return nil
	})
	return warnings, fault("check", err)
}

// Ping commits a change that changes nothing, so it fails as a write would: on
// a full disk, too.
func (s *Store) Ping(ctx context.Context) error {
	return s.write(ctx, "ping", func(t *tx) error {
		_, err := t.exec("UPDATE meta SET value = value WHERE key = 'epoch'")
		return err
	})
}
