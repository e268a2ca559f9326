package consumer

import (
	"context"
	"fmt"
	"time"

	"pushgate/store"
)

// Publisher is what the messages go to. Its methods are called from several
// goroutines, bound their own time, and may be cut short by ctx only before they
// have begun to write.
type Publisher interface {
	// Ingest stores all messages and the position in one transaction. Its errors:
	// a *RefusedError, nothing was stored; store.ErrReplayed, likewise; any other,
	// the same batch will be sent again until it is taken.
	Ingest(ctx context.Context, messages []Message, position store.Position) error
	// Positions answers the positions of keys: one for every incarnation of a topic
	// of which something was ever stored.
	Positions(ctx context.Context, keys []store.SourceKey) ([]store.Position, error)
}

// RefusedError says which message of a batch can never be taken.
type RefusedError struct {
	Index  int
	Reason string
}

func (e *RefusedError) Error() string { return fmt.Sprintf("message %d: %s", e.Index, e.Reason) }

// Message is what a record becomes.
type Message struct {
	Channel     string
	Data        []byte
	ContentType string // "" means application/json
	Headers     map[string]string
	MessageID   string        // "": none
	TTL         time.Duration // 0: the namespace's
	Ephemeral   bool
}
