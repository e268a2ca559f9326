package push

import (
	"context"
	"fmt"
	"math"
	"time"

	"pushgate/store"
)

// IngestError says which publication of a batch no retry will make good.
type IngestError struct {
	Index int
	Err   error // an *Error
}

func (e *IngestError) Error() string { return fmt.Sprintf("publication %d: %v", e.Index, e.Err) }

func (e *IngestError) Unwrap() error { return e.Err }

// Ingest stores the messages of a source's records in one transaction with
// their position, hands them to live sessions, and answers one Published per
// publication. The batch may be empty; its caller bounds it.
//
// Nothing is stored when it fails with an *IngestError (a publication is not
// valid), an *Error (the position is not valid) or store.ErrReplayed; after
// store.ErrUnavailable it is unknown. The same batch may then be sent again: if
// it turns out to have been stored, live sessions get it by the sweep. Messages
// that are not stored (ephemeral, or of such a namespace) go out after the
// commit, and never on a replay.
//
// The end of ctx stops nothing that has begun: the store has its own time-out.
func (e *Engine) Ingest(ctx context.Context, batch []Publication, position store.Position) ([]Published, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := validatePosition(position); err != nil {
		return nil, err
	}
	born, now := time.Now(), e.now()
	submissions := make([]*submission, len(batch))
	stored := make([]*submission, 0, len(batch))
	for i, p := range batch {
		m, err := p.message(e.cfg.current().MaxPayload, now)
		if err != nil {
			e.metrics.published(string(AsError(err).Code))
			return nil, &IngestError{Index: i, Err: err}
		}
		submissions[i] = &submission{message: m, born: born}
		if e.stores(p) {
			stored = append(stored, submissions[i])
		}
	}
	// A failure is no outcome yet: the batch comes again, and counts then.
	if err := e.appender.store(stored, &position); err != nil {
		return nil, err
	}
	published, dispatched := make([]Published, len(batch)), 0
	for i, s := range submissions {
		if e.stores(batch[i]) {
			e.metrics.appended(s.result, nil)
			published[i] = answer(s.result)
			continue
		}
		e.hub.committed(submissions[dispatched:i])
		published[i], dispatched = e.ephemeral(s.message, born), i+1
	}
	e.hub.committed(submissions[dispatched:])
	return published, nil
}

func validatePosition(p store.Position) error {
	if err := validateName("source", p.Source); err != nil {
		return err
	}
	if err := validateName("topic", p.Topic); err != nil {
		return err
	}
	if p.Incarnation != "" {
		if err := validateName("incarnation", p.Incarnation); err != nil {
			return err
		}
	}
	switch {
	case p.Partition < 0 || p.Partition > math.MaxInt32:
		return invalid("partition", "partition %d is not between 0 and %d", p.Partition, math.MaxInt32)
	case p.Life < 0 || p.Life > math.MaxInt32:
		return invalid("life", "life %d is not between 0 and %d", p.Life, math.MaxInt32)
	case p.First < 0 || p.Next < p.First:
		return invalid("position", "offsets from %d to before %d", p.First, p.Next)
	}
	return nil
}
