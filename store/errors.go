package store

import "errors"

// Errors that a driver wraps; everything else that it returns is a fault of its own.
var (
	// ErrUnavailable: the store cannot do it now (not reachable, shutting down,
	// out of time or of space). Whether a write took place is unknown.
	ErrUnavailable = errors.New("store unavailable")
	// ErrNotFound: there is no such channel, message or subscription.
	ErrNotFound = errors.New("not found")
	// ErrReplayed: the records of a Batch with a Position, or some of them, were
	// stored before; this time nothing was. It is a *ReplayedError.
	ErrReplayed = errors.New("records were stored before")
	// ErrSchema: the database was made by another version of the program, or
	// is not migrated.
	ErrSchema = errors.New("database schema does not fit")
)
