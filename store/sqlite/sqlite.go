// Package sqlite is the embedded store: one database file, owned by one process.
//
// One connection writes and several read; all of them are held by their pools
// for the life of the Store. A write takes the only writer, begins with the
// write lock, and ends in a commit that is synced to the disk, so writers queue
// in Go and never meet SQLITE_BUSY. Readers see the newest commit and are never
// blocked. There are no goroutines of its own.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	_ "modernc.org/sqlite" // the database/sql driver

	"pushgate/migrations"
	"pushgate/store"
)

// Options are the settings of a Store; the zero value is the safe default.
type Options struct {
	// Readers is the number of connections that read at the same time; 4 if it is 0.
	Readers int
	// Relaxed commits without waiting for the disk: a power cut may lose the
	// last commits, a crash of the process does not. Check warns about it.
	Relaxed bool
}

const defaultReaders = 4

// Store keeps channels and subscriptions in one SQLite file.
type Store struct {
	owner   *owner
	db      *sql.DB
	writer  *pool
	readers *pool
	steps   []migrations.Migration
	// fits says that the schema has the program's version: nothing but Migrate
	// touches a database before that.
	fits atomic.Bool
	// epoch is given to channels that are created; set before fits.
	epoch string
	// channels is used by the holder of the writer only.
	channels cache
}

// Open opens the database file at path and creates it, and its directory, if
// they are missing. It fails with ErrUnavailable if another process has the
// file open, and with ErrSchema if a newer program has migrated it. Call
// Migrate before the first use.
func Open(path string, options Options) (*Store, error) {
	s, err := open(path, options)
	if err != nil {
		return nil, fault("open "+path, err)
	}
	return s, nil
}

func open(path string, options Options) (_ *Store, err error) {
	steps, err := migrations.Load(migrations.Files, "sqlite")
	if err != nil {
		return nil, err
	}
	path, err = prepareFile(path)
	if err != nil {
		return nil, err
	}
	s := &Store{steps: steps, channels: cache{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.owner, err = own(path + ".lock"); err != nil {
		return nil, err
	}
	if s.db, err = sql.Open("sqlite", dataSource(path, options)); err != nil {
		return nil, err
	}
	if s.writer, err = newPool(s.db, 1); err != nil {
		return nil, err
	}
	if options.Readers == 0 {
		options.Readers = defaultReaders
	}
	if s.readers, err = newPool(s.db, options.Readers); err != nil {
		return nil, err
	}
	return s, s.recognise()
}

// prepareFile creates what is missing, for the owner's eyes only, and answers
// the absolute path.
func prepareFile(path string) (string, error) {
	if path == "" {
		return "", errors.New("no path")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	directory := filepath.Dir(path)
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return "", err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", err
	}
	if err := file.Close(); err != nil {
		return "", err
	}
	return path, syncDirectory(directory)
}

// recognise finds out whether the schema is that of this program.
func (s *Store) recognise() error {
	return s.writer.use(context.Background(), func(c *conn) error {
		version, err := schemaVersion(c)
		switch {
		case err != nil:
			return err
		case version > len(s.steps):
			return fmt.Errorf("%w: it has version %d, this program knows versions up to %d",
				store.ErrSchema, version, len(s.steps))
		case version < len(s.steps):
			return nil
		}
		return s.ready(c)
	})
}

// Close ends the use of the file when the calls under way have returned. Calls
// that follow fail with ErrUnavailable. Twice is safe.
func (s *Store) Close() error {
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.readers.close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.owner != nil {
		errs = append(errs, s.owner.release())
	}
	if err := errors.Join(errs...); err != nil {
		return fault("close", err)
	}
	return nil
}
