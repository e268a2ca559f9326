package push

import (
	"context"

	"pushgate/push/wire"
)

// maxPublishing is how many publishes of one client may be under way.
const maxPublishing = 16

// publishing are a client's publishes that are not answered yet.
type publishing struct {
	slots chan struct{} // one for each
	// retire is the end that waits for them, guarded by the session's lock.
	retire *End
}

// beginPublish takes a slot; it waits for one while ctx lasts. A session that ends
// begins none: its answer could not be told.
func (s *Session) beginPublish(ctx context.Context) error {
	p := s.publishing
	if p == nil {
		p = &publishing{slots: make(chan struct{}, maxPublishing)}
		s.mu.Lock()
		s.publishing = p
		s.mu.Unlock()
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	going := s.over() || p.retire != nil
	s.mu.Unlock()
	if going {
		s.endPublish()
		return &Error{Code: wire.CodeUnavailable, Message: "the connection is being closed; nothing was published", RetryAfter: RetryJitter()}
	}
	return nil
}

// endPublish gives a slot back, and ends a session that waited for it.
func (s *Session) endPublish() {
	s.mu.Lock()
	p := s.publishing
	<-p.slots
	var end *End
	if len(p.slots) == 0 {
		end = p.retire
	}
	s.mu.Unlock()
	if end != nil {
		s.End(*end)
	}
}

// Retire is End that lets the client's publishes under way be answered first;
// others are refused.
func (s *Session) Retire(end End) {
	s.mu.Lock()
	p := s.publishing
	waits := p != nil && len(p.slots) > 0
	if waits && p.retire == nil {
		p.retire = &end
	}
	s.mu.Unlock()
	if !waits {
		s.End(end)
	}
}
