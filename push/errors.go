package push

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pushgate/push/wire"
	"pushgate/store"
)

// Error is a refusal that its cause, a publisher or a client, may read. Code is
// the one vocabulary of all interfaces: the server maps it to a gRPC status, the
// protocol sends it as it is.
type Error struct {
	Code    wire.Code
	Message string
	// Field names the request's field that has to change; "" when none does.
	Field string
	// RetryAfter is when trying again is worth while; 0 says nothing.
	RetryAfter time.Duration
}

func (e *Error) Error() string { return e.Message }

func invalid(field, format string, args ...any) *Error {
	return &Error{Code: wire.CodeInvalidArgument, Field: field, Message: fmt.Sprintf(format, args...)}
}

func refused(code wire.Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Retry hints: long enough that a crowd of callers does not hurt a store that
// comes back, short enough that nobody notices a blip.
const (
	retryStore = time.Second
	retryFull  = 100 * time.Millisecond
)

// AsError brings any error of this package or of a store into the form that may
// be shown. What is not meant for eyes (driver text) becomes "internal error".
func AsError(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, store.ErrUnavailable):
		return &Error{Code: wire.CodeUnavailable, Message: "the store is not available; try again", RetryAfter: retryStore}
	case errors.Is(err, store.ErrNotFound):
		return refused(wire.CodeNotFound, "not found")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &Error{Code: wire.CodeUnavailable, Message: "no answer in time; it is unknown whether it took place", RetryAfter: retryStore}
	default:
		return refused(wire.CodeInternal, "internal error")
	}
}

var (
	errFull    = &Error{Code: wire.CodeResourceExhausted, Message: "the ingest queue is full; slow down", RetryAfter: retryFull}
	errShort   = &Error{Code: wire.CodeResourceExhausted, Message: "the node is short of memory; try again", RetryAfter: retryStore}
	errStopped = &Error{Code: wire.CodeUnavailable, Message: "the node is shutting down; try another", RetryAfter: retryStore}
)
