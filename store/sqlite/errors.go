package sqlite

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"pushgate/store"
)

// fault says what was being done, and makes err one of the store's errors where it is one.
func fault(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, store.ErrUnavailable) && temporary(err):
		return fmt.Errorf("sqlite: %s: %w: %w", doing, store.ErrUnavailable, err)
	default:
		return fmt.Errorf("sqlite: %s: %w", doing, err)
	}
}

// temporary says that the same call may succeed later.
func temporary(err error) bool {
	if errors.Is(err, errClosed) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	var failure *sqlite.Error
	if !errors.As(err, &failure) {
		return false
	}
	switch failure.Code() & 0xff { // the rest is the extended code
	case codes.SQLITE_BUSY, codes.SQLITE_LOCKED, codes.SQLITE_FULL, codes.SQLITE_IOERR, codes.SQLITE_NOMEM,
		codes.SQLITE_CANTOPEN, codes.SQLITE_READONLY, codes.SQLITE_INTERRUPT, codes.SQLITE_PROTOCOL:
		return true
	}
	return false
}
