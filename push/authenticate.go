package push

import (
	"context"
	"sync/atomic"
	"time"

	"pushgate/push/wire"
)

// Authentication is how the clients of a connection show who they are.
type Authentication struct {
	// Grant is what the client was let in with; nil: it has to authenticate itself
	// before anything else, within Patience.
	Grant    *Grant
	Patience time.Duration
	// Anonymous: Grant is what clients without credentials get, so a first
	// authentication may give it a subscriber.
	Anonymous bool
	// Authenticate turns a token that the client sends into a grant. Its error is
	// shown to the client. The handling goroutine calls it.
	Authenticate func(ctx context.Context, token string) (Grant, error)
	// Identify is asked whether the connection may be a subscriber's, once, before it gets
	// that by a token that the client sends; nil: it may.
	Identify func(subscriber string) error
	// Notice is how long before the grant expires the client is told.
	Notice time.Duration
}

const (
	// maxStrangeFrames is how many frames a client may send before it has
	// authenticated itself.
	maxStrangeFrames = 8
	// authRate is how many tokens of one client are looked at in a second.
	authRate = 5
)

// door is what a session knows of its client's credentials; sessions that may do
// everything have none.
type door struct {
	Authentication
	grant atomic.Pointer[Grant] // what applies now; nil: not authenticated
	// due is when the walk has something to do, as dueAt has it; 0: never.
	due atomic.Int64

	// Used by the handling goroutine only.
	restore  bool     // reopen the stored subscriptions once the client has a subscriber
	channels []string // to be subscribed to once it is authenticated
	named    bool     // the subscriber is settled
	frames   int      // that came before the client was authenticated
	tokens   Meter
}

func newDoor(c Connection, now time.Time) *door {
	a := c.Authentication
	if a == nil {
		return nil
	}
	d := &door{Authentication: *a, named: a.Grant != nil && !a.Anonymous, restore: c.Restore}
	if a.Grant == nil {
		d.channels = c.Channels
		d.due.Store(dueAt(now.Add(a.Patience)))
		return d
	}
	d.hang(a.Grant)
	return d
}

// hang makes a grant the one that applies.
func (d *door) hang(g *Grant) {
	due := int64(0)
	if !g.Expires.IsZero() {
		due = dueAt(g.Expires.Add(-d.Notice))
	}
	d.grant.Store(g)
	d.due.Store(due)
}

// dueAt is the first whole millisecond since 1970 that is not before a time:
// nanoseconds would hold no token that is good beyond the year 2262.
func dueAt(t time.Time) int64 { return t.Add(time.Millisecond - time.Nanosecond).UnixMilli() }

// strange says that the client has to authenticate itself first.
func (s *Session) strange() bool { return s.door != nil && s.door.grant.Load() == nil }

// knock counts a frame of a client that has to authenticate itself first, and says
// false when that was too many.
func (s *Session) knock() bool {
	if !s.strange() {
		return true
	}
	if s.door.frames++; s.door.frames > maxStrangeFrames {
		s.End(unauthenticated("unauthenticated"))
		return false
	}
	return true
}

// authenticate works on an auth request.
func (s *Session) authenticate(ctx context.Context, r wire.Request) error {
	d := s.door
	if d == nil || d.Authenticate == nil {
		return refused(wire.CodeFailedPrecondition, "this server takes no tokens")
	}
	if wait := d.tokens.Try(time.Now(), 1, authRate); wait > 0 {
		return &Error{Code: wire.CodeResourceExhausted, Message: "too many tokens; slow down", RetryAfter: wait}
	}
	grant, err := d.Authenticate(ctx, r.Token)
	if err != nil {
		return err
	}
	if grant.Subscriber != "" {
		if err := ValidateSubscriber(grant.Subscriber); err != nil {
			return err
		}
	}
	if grant.expired(time.Now()) {
		return errExpired
	}
	if s.engine.revocations.revoked(&grant) {
		return errRevoked
	}
	if d.named && grant.Subscriber != s.subscriber {
		return refused(wire.CodePermissionDenied, "the token is of another subscriber; connect again with it")
	}
	if !d.named && d.Identify != nil && grant.Subscriber != "" {
		if err := d.Identify(grant.Subscriber); err != nil {
			return err
		}
	}
	answer := wire.Authenticated{ID: r.ID, Subscriber: grant.Subscriber, ExpiresIn: secondsUntil(grant.Expires, time.Now())}
	if d.named {
		s.renew(&grant, answer)
		return nil
	}
	return s.settle(ctx, &grant, answer)
}

// renew replaces the grant, and ends what the new one does not allow.
func (s *Session) renew(grant *Grant, answer wire.Authenticated) {
	s.door.hang(grant)
	s.send(answer)
	s.evict()
	s.expelRevoked() // it may have been revoked since it was looked at
}

// evict ends the subscriptions that the grant does not allow.
func (s *Session) evict() {
	for _, sub := range s.openOnes() {
		s.expel(sub)
	}
}

// expel ends a subscription unless the grant allows it.
func (s *Session) expel(sub *subscription) {
	if name := sub.channel.name; !s.allows(ActionSubscribe, name) {
		s.close(sub, wire.Encode(wire.Unsubscribed{Channel: name, Reason: wire.UnsubscribeForbidden}))
	}
}

// settle gives a session its subscriber, and opens what waits for that and what the
// query had asked for.
func (s *Session) settle(ctx context.Context, grant *Grant, answer wire.Authenticated) error {
	d := s.door
	s.mu.Lock()
	s.subscriber, s.greeted = grant.Subscriber, false
	s.mu.Unlock()
	d.named = true
	d.hang(grant)
	s.hub.sessions.identify(s)
	stored, err := s.engine.stored(ctx, grant.Subscriber, d.restore)
	if err == nil {
		stored, err = s.consentedOf(ctx, stored)
	}
	if err != nil {
		s.refuse(answer.ID, err)
		s.End(GoAway(CauseStore, wire.CloseInternal, AsError(err).Message))
		return nil
	}
	s.send(answer)
	s.evict()
	s.restore(ctx, stored)
	for _, channel := range d.channels {
		s.subscribeTo(ctx, channel)
	}
	d.channels = nil
	s.expelRevoked()
	return nil
}

// Walk does what is due for the session's credentials: it tells the client that
// they expire, and ends a session whose time is over. It takes no lock as long as
// there is nothing to do. One goroutine calls it, about once a second.
func (s *Session) Walk(now time.Time) {
	if s.door == nil {
		return
	}
	due := s.door.due.Load()
	if due == 0 || now.UnixMilli() < due {
		return
	}
	grant := s.door.grant.Load()
	switch {
	case grant == nil:
		s.End(unauthenticated("unauthenticated"))
	case grant.Expires.IsZero():
	case !now.Before(grant.Expires):
		s.End(unauthenticated("token expired"))
	case s.door.due.CompareAndSwap(due, dueAt(grant.Expires)):
		s.send(wire.TokenExpiring{ExpiresIn: secondsUntil(grant.Expires, now)})
	}
}

// unauthenticated is the end of a session whose client has to bring a new token.
func unauthenticated(reason string) End {
	return GoAway(CauseAuth, wire.CloseUnauthenticated, reason)
}

// secondsUntil is 0 for a time that never comes, and otherwise 1 or more.
func secondsUntil(t, now time.Time) int {
	if t.IsZero() {
		return 0
	}
	return max(int(t.Sub(now)/time.Second), 1)
}
