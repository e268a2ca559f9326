package caller

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pushgate/push"
	"pushgate/push/wire"
	"pushgate/server/admission"
	"pushgate/server/auth/token"
)

// Tokens verifies tokens and answers what they grant.
type Tokens interface {
	Verify(ctx context.Context, text string) (token.Claims, error)
	Grant(c token.Claims) push.Grant
}

// Options are the settings of a Directory.
type Options struct {
	Callers []Settings
	Tokens  Tokens // nil: tokens are not taken
	// Revoked says whether what a token grants is revoked.
	Revoked func(context.Context, *push.Grant) (bool, error)
	// Failures slows down addresses that show bad credentials; nil: none.
	Failures *admission.Failures
	Registry prometheus.Registerer
}

// Directory tells callers by their credentials. Safe for concurrent use.
type Directory struct {
	options Options
	metrics *metrics
	token   counters
	entries atomic.Pointer[entries]
	guarded atomic.Bool
}

// entries never change.
type entries struct {
	callers      map[string]*caller // by name
	keys         map[Hash]*Identity
	certificates map[string]*Identity
}

// NewDirectory makes a directory. Without any caller and without Tokens it is open:
// everybody may do everything.
func NewDirectory(o Options) (*Directory, error) {
	d := &Directory{options: o, metrics: newMetrics(cmp.Or[prometheus.Registerer](o.Registry, prometheus.NewRegistry()))}
	d.entries.Store(&entries{})
	if o.Tokens != nil {
		d.token = d.metrics.of(tokenCaller)
		d.guarded.Store(true)
	}
	return d, d.Set(o.Callers)
}

// Guarded says that callers have to show who they are. Once it does, it always does.
func (d *Directory) Guarded() bool { return d != nil && d.guarded.Load() }

var (
	errGone    = unauthenticated("this caller or its credential was removed from the configuration")
	errChanged = &push.Error{Code: wire.CodeUnavailable, Message: "what this caller may do has changed; call again", RetryAfter: time.Second}
)

// Set replaces the callers. Those that stay as they are go on where they are with
// their rates. It is not for concurrent use with itself.
func (d *Directory) Set(all []Settings) error {
	old, next := d.entries.Load(), &entries{
		callers: map[string]*caller{}, keys: map[Hash]*Identity{}, certificates: map[string]*Identity{},
	}
	for _, s := range all {
		c := old.callers[s.Name]
		if c == nil || !c.same(s) {
			var err error
			if c, err = newCaller(s, d.metrics); err != nil {
				return fmt.Errorf("%s: %w", s.Name, err)
			}
		}
		next.callers[s.Name] = c
		for _, hash := range s.Keys {
			if next.keys[hash] != nil {
				return fmt.Errorf("%s: a key of it is another caller's too", s.Name)
			}
			next.keys[hash] = c.identity(old.keys[hash], kindKey)
		}
		for _, name := range s.Certificates {
			if next.certificates[name] != nil {
				return fmt.Errorf("%s: the certificate name %q is another caller's too", s.Name, name)
			}
			next.certificates[name] = c.identity(old.certificates[name], kindCertificate)
		}
	}
	d.entries.Store(next)
	if len(all) > 0 {
		d.guarded.Store(true)
	}
	for hash, identity := range old.keys {
		identity.replace(next.keys[hash])
	}
	for name, identity := range old.certificates {
		identity.replace(next.certificates[name])
	}
	for name := range old.callers {
		if next.callers[name] == nil {
			d.metrics.forget(name)
		}
	}
	return nil
}

// identity is the old one if that is this caller's.
func (c *caller) identity(old *Identity, kind string) *Identity {
	if old != nil && old.rates == c {
		return old
	}
	return &Identity{
		name: c.settings.Name, kind: kind, access: c, has: c.has, expires: c.settings.Expires, rates: c, counters: c.counters,
		be: c.mayBe,
	}
}

// replace ends the identity unless the next one is the same.
func (i *Identity) replace(next *Identity) {
	switch next {
	case i:
	case nil:
		i.over.Store(errGone)
	default:
		i.over.Store(errChanged)
	}
}

// Credentials are what a call shows.
type Credentials struct {
	Authorization []string          // the values of the metadata of that name
	Certificate   *x509.Certificate // verified; nil: none
	Address       netip.Addr        // the peer's; the zero Addr for Unix sockets
}

// reason is why a call is refused.
type reason string

const (
	reasonNone        reason = "none" // no credentials
	reasonKey         reason = "key"  // not known
	reasonCertificate reason = "certificate"
	reasonToken       reason = "token"
	reasonExpired     reason = "expired"
	reasonNetwork     reason = "network"
	reasonSlowed      reason = "slowed"
	reasonRight       reason = "right"
)

var reasons = []reason{reasonNone, reasonKey, reasonCertificate, reasonToken, reasonExpired, reasonNetwork, reasonSlowed, reasonRight}

func (d *Directory) refuse(why reason, e *push.Error) error {
	d.metrics.refused.WithLabelValues(string(why)).Inc()
	return e
}

// Find tells who shows a key, a certificate or a token, without waiting for anything. Of
// a token that cannot be verified so it answers neither an identity nor an error: Verify
// does. With an error the identity is whose credentials they are that are good, but not
// from there or any more.
func (d *Directory) Find(c Credentials, now time.Time) (*Identity, error) {
	found, why, err := d.look(AtOnce, c, now)
	switch {
	case why == reasonKey:
		return nil, d.failed(why, c.Address, now, err)
	case err != nil:
		return found, d.refuse(why, err)
	case found != nil:
		found.counters.calls.Inc()
	}
	return found, nil
}

// Known is Find where it does not matter whether anybody is: nothing is counted, and of
// nobody it answers nil. For the keys of tokens it waits no longer than ctx.
func (d *Directory) Known(ctx context.Context, c Credentials, now time.Time) *Identity {
	found, _, err := d.look(ctx, c, now)
	if err != nil {
		return nil
	}
	return found
}

func (d *Directory) look(ctx context.Context, c Credentials, now time.Time) (*Identity, reason, *push.Error) {
	if len(c.Authorization) == 0 {
		return d.certified(c, now)
	}
	text, err := bearer(c.Authorization)
	if err != nil {
		return nil, reasonNone, err
	}
	if !strings.HasPrefix(text, keyPrefix) && d.options.Tokens != nil {
		return d.bearer(ctx, text, now), "", nil
	}
	found := d.entries.Load().keys[HashOf(text)]
	if found == nil {
		return nil, reasonKey, unauthenticated("the key is not known")
	}
	return here(found, c, now)
}

func (d *Directory) certified(c Credentials, now time.Time) (*Identity, reason, *push.Error) {
	if c.Certificate == nil {
		return nil, reasonNone, errNone
	}
	known := d.entries.Load().certificates
	for _, name := range namesOf(c.Certificate) {
		if found := known[name]; found != nil {
			return here(found, c, now)
		}
	}
	return nil, reasonCertificate, unauthenticated("the certificate is of no caller that is known, and there is no key")
}

// here checks that a caller may call from where it is.
func here(i *Identity, c Credentials, now time.Time) (*Identity, reason, *push.Error) {
	if err := i.Standing(context.Background(), now); err != nil {
		return i, reasonExpired, push.AsError(err)
	}
	if !i.rates.from(c.Address) {
		return i, reasonNetwork, unauthenticated("this caller may not call from this address")
	}
	return i, "", nil
}

// failed is the refusal of bad credentials.
func (d *Directory) failed(why reason, from netip.Addr, now time.Time, e *push.Error) error {
	if err := d.slowed(from, now); err != nil {
		return err
	}
	d.options.Failures.Failed(from, now)
	return d.refuse(why, e)
}

func (d *Directory) slowed(from netip.Addr, now time.Time) error {
	if wait := d.options.Failures.Wait(from, now); wait > 0 {
		return d.refuse(reasonSlowed, &push.Error{
			Code: wire.CodeResourceExhausted, Message: "too many bad credentials from this address; slow down", RetryAfter: wait,
		})
	}
	return nil
}

// Again is for another call with the credentials by which an identity was found
// before: it answers it if it is still good, and otherwise nil.
func (d *Directory) Again(ctx context.Context, i *Identity, now time.Time) *Identity {
	if i.stale(now) || i.Standing(ctx, now) != nil {
		return nil
	}
	i.counters.calls.Inc()
	return i
}

// Verify tells who shows a token. It may wait for the keys of tokens.
func (d *Directory) Verify(ctx context.Context, c Credentials, now time.Time) (*Identity, error) {
	text, refusal := bearer(c.Authorization)
	if d.options.Tokens == nil {
		refusal = errNone // callers have come into the configuration since the call began
	}
	if refusal != nil {
		return nil, d.refuse(reasonNone, refusal)
	}
	claims, err := d.options.Tokens.Verify(ctx, text)
	if e := push.AsError(err); err != nil && e.Code == wire.CodeUnauthenticated {
		return nil, d.failed(reasonToken, c.Address, now, e)
	}
	if err != nil {
		return nil, err
	}
	i := d.bearing(claims, now)
	if err := i.Standing(ctx, now); err != nil {
		return nil, d.refuse(reasonToken, push.AsError(err))
	}
	i.counters.calls.Inc()
	return i, nil
}

// AtOnce is for what is not to wait for anything.
var AtOnce = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// bearer is who shows a token; nil if that cannot be known within ctx, or the token is no
// good.
func (d *Directory) bearer(ctx context.Context, text string, now time.Time) *Identity {
	claims, err := d.options.Tokens.Verify(ctx, text)
	if err != nil {
		return nil
	}
	i := d.bearing(claims, now)
	if i.Standing(ctx, now) != nil {
		return nil
	}
	return i
}

// bearing is who shows a token with these claims.
func (d *Directory) bearing(claims token.Claims, now time.Time) *Identity {
	grant := d.options.Tokens.Grant(claims)
	return &Identity{
		name: claims.Account, kind: kindToken, access: grant.Access, expires: grant.Expires, grant: &grant,
		has:     func(r Right) bool { return scoped(claims.Scope, r) },
		be:      func(subscriber string) bool { return subscriber == grant.Subscriber },
		revoked: d.options.Revoked, counters: d.token, verified: now,
	}
}

// Deny counts a call without the right for it, and answers the refusal.
func (d *Directory) Deny(r Right) error {
	return d.refuse(reasonRight, denied("this caller may not %s", verbs[r]))
}

var verbs = map[Right]string{
	Publish: "publish", Subscribe: "subscribe", Read: "call ControlService", Control: "change anything by ControlService",
}

var (
	errNone    = unauthenticated("bring credentials, as authorization: Bearer KEY")
	errBearer  = unauthenticated("the metadata authorization has to be: Bearer KEY")
	errSeveral = unauthenticated("there are several values of the metadata authorization; bring one")
)

// bearer is the key or token that a call shows. Of several, each could be taken for the
// one that counts.
func bearer(authorization []string) (string, *push.Error) {
	switch len(authorization) {
	case 0:
		return "", errNone
	case 1:
	default:
		return "", errSeveral
	}
	scheme, text, _ := strings.Cut(authorization[0], " ")
	if text = strings.TrimSpace(text); !strings.EqualFold(scheme, "Bearer") || text == "" {
		return "", errBearer
	}
	return text, nil
}

// namesOf are the names by which a certificate may be a caller's.
func namesOf(c *x509.Certificate) (names []string) {
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	names = append(names, c.DNSNames...)
	if len(names) == 0 && c.Subject.CommonName != "" {
		names = append(names, c.Subject.CommonName)
	}
	return names
}
