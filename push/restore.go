package push

import (
	"context"

	"pushgate/push/wire"
	"pushgate/store"
)

// reopened is a stored subscription that is to be opened on a session.
type reopened struct {
	sub  *subscription
	open wire.OpenSubscription
}

// reopenAll prepares the stored subscriptions that the client may have, as many as
// one connection may have, and counts the rest.
func (s *Session) reopenAll(stored []store.Subscription) (all []reopened, left int) {
	most := s.hub.cfg.current().MaxSubscriptions
	for _, st := range stored {
		sub, open, ok := s.reopen(st)
		switch {
		case !ok:
		case len(all) == most:
			s.hub.release(sub.channel)
			left++
		default:
			all = append(all, reopened{sub, open})
		}
	}
	return all, left
}

func (s *Session) tellLeft(left int) {
	if left > 0 {
		s.refuse("", refused(wire.CodeResourceExhausted,
			"%d of the stored subscriptions were not reopened: a connection may have at most %d", left, s.hub.cfg.current().MaxSubscriptions))
	}
}

// restore opens the stored subscriptions of a session that got its subscriber after
// its greeting.
func (s *Session) restore(ctx context.Context, stored []store.Subscription) {
	all, left := s.reopenAll(stored)
	s.tellLeft(left)
	for _, r := range all {
		s.announce(r.sub, r.open)
		s.ready(ctx)
	}
	s.settled(ctx)
}

// settled: what was stored is open; what backends created meanwhile follows.
func (s *Session) settled(ctx context.Context) {
	s.mu.Lock()
	adopted := s.adopted
	s.adopted, s.greeted = nil, true
	s.mu.Unlock()
	for _, st := range adopted {
		s.adopt(st, consentOnce(ctx, st))
	}
}
