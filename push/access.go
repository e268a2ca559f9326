package push

import (
	"time"

	"pushgate/push/wire"
)

// Action is something that a client does with a channel.
type Action uint8

// The actions.
const (
	ActionSubscribe Action = iota // receive what is published, and what waits for the subscriber
	ActionPublish
	ActionHistory // begin a subscription with messages from before it: from "earliest" or a seq
)

var actionNames = [...]string{"subscribe", "publish", "history"}

func (a Action) String() string { return actionNames[a] }

// Access says what a client may do. It never changes its mind, and is safe for
// concurrent use.
type Access interface {
	May(action Action, channel string) bool
}

// Grant is what a client's credentials give it.
type Grant struct {
	// Subscriber is the durable identity; "" has none.
	Subscriber string
	Access     Access
	// Expires is when the session ends that was not given another grant by then;
	// zero: never.
	Expires time.Time

	// Standing: it is the configuration's, not a token's, and no revocation concerns it.
	Standing bool
	// By these a grant is revoked. Account is whose it is: the subscriber's, or what
	// several subscribers (devices) of one user share. Issued may be zero.
	Account string
	ID      string
	Issued  time.Time
}

// expired is false for nil.
func (g *Grant) expired(now time.Time) bool {
	return g != nil && !g.Expires.IsZero() && !now.Before(g.Expires)
}

// may refuses what the client's grant does not allow. Nothing but the request and
// the grant decides, so the answer tells nothing of what there is.
func (s *Session) may(action Action, channel string) error {
	if s.allows(action, channel) {
		return nil
	}
	return refused(wire.CodePermissionDenied, "you may not %s %q", verbs[action], clip(channel))
}

var verbs = [...]string{"subscribe to", "publish to", "read the history of"}

func (s *Session) allows(action Action, channel string) bool {
	if s.door == nil {
		return true
	}
	grant := s.door.grant.Load()
	return grant != nil && grant.Access.May(action, channel)
}
