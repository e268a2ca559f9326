package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"pushgate/store"
)

// read calls f in a transaction that sees one state of the database.
func (s *Store) read(ctx context.Context, doing string, f func(*conn) error) error {
	return fault(doing, s.readers.use(ctx, func(c *conn) error {
		if err := s.checkSchema(); err != nil {
			return err
		}
		return transaction(c, "BEGIN", func() error { return f(c) })
	}))
}

// write calls f in a transaction of the writer, and commits what it did.
func (s *Store) write(ctx context.Context, doing string, f func(*tx) error) error {
	return fault(doing, s.writer.use(ctx, func(c *conn) error {
		if err := s.checkSchema(); err != nil {
			return err
		}
		t := &tx{conn: c, known: s.channels, epoch: s.epoch, used: map[string]*usedChannel{}}
		err := transaction(c, "BEGIN IMMEDIATE", func() error {
			if err := f(t); err != nil {
				return err
			}
			return t.saveChannels()
		})
		if errors.Is(err, store.ErrUnavailable) {
			// After a failed commit nobody knows which numbers are true.
			clear(s.channels)
		}
		if err != nil {
			return err
		}
		s.channels.keep(t.used)
		return nil
	}))
}

// transaction ends in a commit if f succeeds, and in a rollback otherwise.
func transaction(c *conn, begin string, f func() error) error {
	if _, err := c.exec(begin); err != nil {
		return err
	}
	err := f()
	if err == nil {
		if _, err = c.exec("COMMIT"); err == nil {
			return nil
		}
		err = fmt.Errorf("commit: %w: %w", store.ErrUnavailable, err)
	}
	// SQLite has rolled back by itself after some errors, and then refuses to:
	// that is no news, and a transaction that is still open shows at the next BEGIN.
	_ = c.script("ROLLBACK")
	return err
}

var errNoRows = sql.ErrNoRows

// noRows turns "no such row" into the store's word for it.
func noRows(err error) error {
	if errors.Is(err, errNoRows) {
		return store.ErrNotFound
	}
	return err
}
