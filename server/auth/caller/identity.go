package caller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"pushgate/push"
	"pushgate/push/wire"
)

// Identity is who calls, by one of its credentials, and what it may do. A nil one may
// do everything. Safe for concurrent use.
type Identity struct {
	name, kind string
	access     push.Access
	has        func(Right) bool
	be         func(subscriber string) bool
	expires    time.Time   // zero: never
	grant      *push.Grant // a token's; nil: not one
	revoked    func(context.Context, *push.Grant) (bool, error)
	rates      *caller // nil: without
	counters   counters
	verified   time.Time // a token's

	// over is why it is nobody any more; nil: it is.
	over atomic.Pointer[push.Error]
}

// The kinds of credentials.
const (
	kindKey         = "key"
	kindCertificate = "certificate"
	kindToken       = "token"
)

// tokenAge is for how long a token that was verified is not verified again.
const tokenAge = time.Minute

// String is for the log: the kind of credential, and whose.
func (i *Identity) String() string {
	if i == nil {
		return "anybody"
	}
	return i.kind + ":" + i.name
}

// Standing says why the identity is not good any more, if it is not.
func (i *Identity) Standing(ctx context.Context, now time.Time) error {
	if i == nil {
		return nil
	}
	if over := i.over.Load(); over != nil {
		return over
	}
	if !i.expires.IsZero() && !now.Before(i.expires) {
		return unauthenticated("the %s has expired", i.kind)
	}
	if i.grant == nil {
		return nil
	}
	switch revoked, err := i.revoked(ctx, i.grant); {
	case err != nil:
		return err
	case revoked:
		return unauthenticated("the token is revoked")
	}
	return nil
}

// stale says that a token has to be verified again.
func (i *Identity) stale(now time.Time) bool {
	return i.kind == kindToken && now.Sub(i.verified) >= tokenAge
}

// Has says whether the identity has a right.
func (i *Identity) Has(r Right) bool { return i == nil || i.has(r) }

// MayPublish says why the caller may not publish to a channel, if it may not.
func (i *Identity) MayPublish(channel string) error {
	if i == nil || i.access.May(push.ActionPublish, channel) {
		return nil
	}
	i.counters.denied.Inc()
	return denied("this caller may not publish to %q", clip(channel))
}

// Take lets a message of so many bytes through at the caller's rates, or says how long to
// wait.
func (i *Identity) Take(bytes int) error {
	if i == nil {
		return nil
	}
	if i.rates != nil {
		if wait := i.rates.take(time.Now(), bytes); wait > 0 {
			i.counters.limited.Inc()
			return &push.Error{Code: wire.CodeResourceExhausted, Message: "this caller publishes more than it may; slow down", RetryAfter: wait}
		}
	}
	i.counters.taken.Inc()
	return nil
}

// Be answers how a session of this caller as a subscriber is let in; nil: it may do
// everything.
func (i *Identity) Be(subscriber string) (*push.Authentication, error) {
	if i == nil {
		return nil, nil
	}
	if subscriber != "" && !i.be(subscriber) {
		return nil, denied("this caller may not be the subscriber %q", clip(subscriber))
	}
	grant := push.Grant{Subscriber: subscriber, Access: i.access, Standing: i.grant == nil}
	if i.grant != nil {
		grant.Account, grant.ID, grant.Issued = i.grant.Account, i.grant.ID, i.grant.Issued
	}
	return &push.Authentication{Grant: &grant}, nil
}

// Give gives back what messages took that were there already.
func (i *Identity) Give(messages, bytes int) {
	if i != nil && i.rates != nil {
		i.rates.messages.give(messages)
		i.rates.bytes.give(bytes)
	}
}

// Owe takes back what was given and not used, and answers in what time that is made up
// for.
func (i *Identity) Owe(messages, bytes int) time.Duration {
	if i == nil || i.rates == nil {
		return 0
	}
	return max(i.rates.messages.owe(messages), i.rates.bytes.owe(bytes))
}

// Limited counts messages that were not tried because one before them had to wait.
func (i *Identity) Limited(messages int) {
	if i != nil {
		i.counters.limited.Add(float64(messages))
	}
}

func unauthenticated(format string, args ...any) *push.Error {
	return &push.Error{Code: wire.CodeUnauthenticated, Message: fmt.Sprintf(format, args...)}
}

func denied(format string, args ...any) *push.Error {
	return &push.Error{Code: wire.CodePermissionDenied, Message: fmt.Sprintf(format, args...)}
}

// clip cuts off what is longer than a name can be.
func clip(name string) string {
	if len(name) <= push.MaxName {
		return name
	}
	return strings.ToValidUTF8(name[:push.MaxName], "") + "…"
}

// scopes are the words of a token's scope that say which rights it has.
var scopes = map[Right][]string{
	Publish:   {"pushgate:publish"},
	Subscribe: {"pushgate:subscribe"},
	Read:      {"pushgate:read", "pushgate:control"},
	Control:   {"pushgate:control"},
}

func scoped(have []string, r Right) bool {
	if r == None || r == Any {
		return true
	}
	return slices.ContainsFunc(scopes[r], func(word string) bool { return slices.Contains(have, word) })
}
