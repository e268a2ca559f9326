package authorizer

import (
	"pushgate/push"
	"pushgate/push/wire"
)

// Refusal is what the service has refused, in its words, which are for the client only:
// they may repeat what was shown.
type Refusal struct {
	code    wire.Code
	message string
}

// Error is for the log, without those words.
func (r *Refusal) Error() string { return "the authorizer refuses" }

// Unwrap is what the client is told.
func (r *Refusal) Unwrap() error { return &push.Error{Code: r.code, Message: r.message} }
