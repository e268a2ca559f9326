package postgres

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"pushgate/store"
)

// SQLSTATE codes that are told apart.
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

// unavailable lists codes, and classes of two characters, that say "not now":
// the same call can succeed later without a change to program or schema.
var unavailable = []string{
	"08", // connection exceptions
	"53", // out of disk, memory or connections
	"57", // shutting down, starting up, cancelled by a time-out
	"58", // system errors such as I/O
	"28", // authorization refused
	"3D", // no such database
	"55P03", serializationFailure, deadlockDetected,
	"25006",          // read-only: a standby, or set so
	"25P03", "25P04", // ended by a time-out of idling or of the transaction
}

// schemaCodes: an undefined table, column or schema.
var schemaCodes = []string{"42P01", "42703", "3F000"}

func sqlState(err error) string {
	if failure, ok := errors.AsType[*pgconn.PgError](err); ok {
		return failure.Code
	}
	return ""
}

// describe says what was being done, and wraps the store's error that fits.
// lost tells that the connection did not survive.
func describe(action string, err error, lost bool) error {
	if err == nil {
		return nil
	}
	code := sqlState(err)
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrSchema):
		return fmt.Errorf("postgres: %s: %w", action, err)
	case slices.Contains(schemaCodes, code):
		return fmt.Errorf("postgres: %s: %w: %w", action, store.ErrSchema, err)
	case lost, code == "" && pgconn.Timeout(err),
		slices.ContainsFunc(unavailable, func(c string) bool { return code != "" && strings.HasPrefix(code, c) }):
		return fmt.Errorf("postgres: %s: %w: %w", action, store.ErrUnavailable, err)
	default:
		return fmt.Errorf("postgres: %s: %w", action, err)
	}
}

// retryable: the statement left no trace, and met somebody else's.
func retryable(err error) bool {
	switch sqlState(err) {
	case uniqueViolation, serializationFailure, deadlockDetected:
		return true
	}
	return false
}

// parseFailure hides the address, and the reason too where the address is so
// broken that pieces of the password could stand in it.
func parseFailure(address string, err error) error {
	failure, ok := errors.AsType[*pgconn.ParseConfigError](err)
	if _, broken := url.Parse(address); ok && broken == nil && strings.Contains(address, "://") {
		if reason := failure.Unwrap(); reason != nil {
			return fmt.Errorf("postgres: the connection URL cannot be used: %w", reason)
		}
	}
	return errors.New("postgres: the connection URL cannot be parsed")
}
