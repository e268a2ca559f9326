package token

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"

	"pushgate/push"
	"pushgate/push/wire"
)

// Config says which tokens are good.
type Config struct {
	Secret     string   // for HS256, HS384 and HS512
	SecretFile string   // the same in a file, without the white space at its ends
	KeyFiles   []string // PEM, JWK or JWK sets
	URLs       []string // of JWK sets
	Refresh    time.Duration
	// AskInterval is the least time between two requests that unknown keys cause; 0:
	// 10 s.
	AskInterval time.Duration
	// Authorities are who is trusted to know those servers; nil: whom the system trusts.
	Authorities *x509.CertPool
	Algorithms  []string // empty: all
	Issuer      string   // "": any
	Audience    []string // one of them has to be among the token's; empty: any
	Endless     bool     // a token need not have exp
	Leeway      time.Duration
	MaxBytes    int // of a token
	Names       ClaimNames
	Rules       *Rules
	Logger      *slog.Logger
	Registry    prometheus.Registerer // nil: nothing is counted
}

// Configured says whether there are keys.
func (c Config) Configured() bool {
	return c.Secret != "" || c.SecretFile != "" || len(c.KeyFiles) > 0 || len(c.URLs) > 0
}

// Verifier checks tokens. Safe for concurrent use. Start runs what keeps its keys
// up to date, Stop ends that and waits for it.
type Verifier struct {
	config  Config
	fixed   []key
	files   []*file
	remotes []*remote
	metrics metrics
	parser  *jwt.Parser
	rules   atomic.Pointer[Rules]

	cancel  context.CancelFunc
	running sync.WaitGroup
}

// unknownKeyWait is how long a token with an unknown key waits for the servers'.
const unknownKeyWait = 3 * time.Second

// New reads the keys that are on this machine.
func New(c Config) (*Verifier, error) {
	v := &Verifier{config: c, metrics: newMetrics(c.Registry)}
	v.rules.Store(c.Rules)
	if c.Secret != "" {
		k, err := newKey("", "", []byte(c.Secret))
		if err != nil {
			return nil, err
		}
		v.fixed = append(v.fixed, k)
	}
	if c.SecretFile != "" {
		if err := v.open(c.SecretFile, parseSecret); err != nil {
			return nil, err
		}
	}
	for _, path := range c.KeyFiles {
		if err := v.open(path, parseKeys); err != nil {
			return nil, err
		}
	}
	for i, address := range c.URLs {
		r, err := newRemote(address, c, v.metrics)
		if err != nil {
			return nil, fmt.Errorf("the URL %d of the key sets: %w", i+1, err) // a password may be in it
		}
		v.remotes = append(v.remotes, r)
	}
	methods := c.Algorithms
	if len(methods) == 0 {
		methods = Algorithms
	}
	for _, method := range methods {
		if !slices.Contains(Algorithms, method) {
			return nil, fmt.Errorf("%q is not an algorithm; there are %s", method, strings.Join(Algorithms, ", "))
		}
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(methods), jwt.WithLeeway(c.Leeway), jwt.WithIssuedAt(), jwt.WithJSONNumber(), jwt.WithStrictDecoding(),
	}
	if !c.Endless {
		options = append(options, jwt.WithExpirationRequired())
	}
	if c.Issuer != "" {
		options = append(options, jwt.WithIssuer(c.Issuer))
	}
	if len(c.Audience) > 0 {
		options = append(options, jwt.WithAudience(c.Audience...))
	}
	v.parser = jwt.NewParser(options...)
	return v, nil
}

func parseSecret(content []byte) ([]key, error) {
	k, err := newKey("", "", []byte(strings.TrimSpace(string(content))))
	return []key{k}, err
}

func (v *Verifier) open(path string, parse func([]byte) ([]key, error)) error {
	f, err := openFile(path, parse, v.config.Logger, v.metrics.of(path))
	if err == nil {
		v.files = append(v.files, f)
	}
	return err
}

// Start begins to look after files and servers.
func (v *Verifier) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	v.cancel = cancel
	for _, f := range v.files {
		v.running.Go(func() { f.run(ctx) })
	}
	for _, r := range v.remotes {
		v.running.Go(func() { r.run(ctx) })
	}
}

// Stop ends what Start began. Twice is safe.
func (v *Verifier) Stop() {
	if v.cancel != nil {
		v.cancel()
	}
	v.running.Wait()
}

// SetRules replaces the rules for the tokens that are checked from then on.
func (v *Verifier) SetRules(r *Rules) { v.rules.Store(r) }

// Anonymous is what clients without a token may do.
func (v *Verifier) Anonymous() push.Access { return v.rules.Load().Anonymous() }

// Authenticate checks a token and answers what it grants. The error is a
// *push.Error, made for the client's eyes.
func (v *Verifier) Authenticate(ctx context.Context, text string) (push.Grant, error) {
	c, err := v.Verify(ctx, text)
	if err != nil {
		return push.Grant{}, err
	}
	return v.Grant(c), nil
}

// Grant is what claims give.
func (v *Verifier) Grant(c Claims) push.Grant {
	g := push.Grant{
		Subscriber: c.Subscriber, Account: c.Account, ID: c.ID, Issued: c.Issued,
		Access: &access{rules: v.rules.Load(), account: c.Account, grants: c.permissions},
	}
	if !c.Expires.IsZero() {
		g.Expires = c.Expires.Add(v.config.Leeway)
	}
	return g
}

// Verify checks a token and answers what it says. The error is a *push.Error: the
// token is no good (unauthenticated), or that cannot be known now (unavailable).
func (v *Verifier) Verify(ctx context.Context, text string) (Claims, error) {
	if len(text) > v.config.MaxBytes {
		return Claims{}, bad(fmt.Sprintf("the token is longer than %d bytes", v.config.MaxBytes))
	}
	if strings.ContainsAny(text, "\r\n") { // base64 would pass over them
		return Claims{}, explain(jwt.ErrTokenMalformed)
	}
	claims, err := v.parse(text)
	if errors.Is(err, errForeign) {
		v.renew(ctx, func() bool {
			claims, err = v.parse(text)
			return !errors.Is(err, errForeign)
		})
		if errors.Is(err, errForeign) && v.behind() {
			err = errNoKeysNow
		}
	}
	if err != nil {
		return Claims{}, explain(err)
	}
	if _, err := when(claims, "nbf"); err != nil {
		return Claims{}, bad(err.Error())
	}
	c, err := readClaims(claims, v.config.Names)
	if err != nil {
		return Claims{}, bad(err.Error())
	}
	return c, nil
}

// parse checks a token by the keys that are here. The error is also errForeign where a
// server may publish the key that has signed it.
func (v *Verifier) parse(text string) (jwt.MapClaims, error) {
	claims, foreign := jwt.MapClaims{}, false
	_, err := v.parser.ParseWithClaims(text, claims, func(t *jwt.Token) (any, error) {
		if _, critical := t.Header["crit"]; critical {
			return nil, errCritical // RFC 7515 §4.1.11: no extension is understood
		}
		id, _ := t.Header["kid"].(string)
		found, known := find(v.all(), id, t.Method.Alg())
		foreign = !known && len(v.remotes) > 0 && !slices.Contains(secretAlgorithms, t.Method.Alg())
		if len(found) == 0 {
			return nil, errNoKey
		}
		var set jwt.VerificationKeySet
		for _, k := range found {
			set.Keys = append(set.Keys, k.material)
		}
		return set, nil
	})
	if foreign && (errors.Is(err, errNoKey) || errors.Is(err, jwt.ErrTokenSignatureInvalid)) {
		err = errors.Join(err, errForeign)
	}
	return claims, err
}

var (
	errCritical  = errors.New("critical header")
	errNoKey     = errors.New("no key")
	errForeign   = errors.New("another key")
	errNoKeysNow = errors.New("no keys now")
)

// behind says whether there is a server whose keys cannot be had now.
func (v *Verifier) behind() bool {
	return slices.ContainsFunc(v.remotes, func(r *remote) bool { return r.behind.Load() })
}

// Health are lines about servers whose keys cannot be had, for people.
func (v *Verifier) Health() (lines []string) {
	for _, r := range v.remotes {
		if r.failing.Load() {
			lines = append(lines, fmt.Sprintf("tokens: the keys of %s cannot be fetched; those that are known go on", r.name))
		}
	}
	return lines
}

// renew has all servers asked for their keys at once, and goes on until what one of them
// answers will do.
func (v *Verifier) renew(ctx context.Context, done func() bool) {
	ctx, cancel := context.WithTimeout(ctx, unknownKeyWait)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	ended := make(chan struct{}, len(v.remotes))
	for _, r := range v.remotes {
		asking.Go(func() {
			r.renew(ctx)
			ended <- struct{}{}
		})
	}
	for range v.remotes {
		if <-ended; done() {
			return
		}
	}
}

func (v *Verifier) all() []key {
	all := slices.Clip(v.fixed)
	for _, f := range v.files {
		all = append(all, *f.keys.Load()...)
	}
	for _, r := range v.remotes {
		if keys := r.keys.Load(); keys != nil {
			all = append(all, *keys...)
		}
	}
	return all
}

func bad(message string) error {
	return &push.Error{Code: wire.CodeUnauthenticated, Message: message}
}

// explain says what is wrong with a token in words of our own: those of the library
// hold parts of it.
func explain(err error) error {
	if errors.Is(err, errNoKeysNow) {
		return &push.Error{Code: wire.CodeUnavailable, Message: "the keys for tokens cannot be had now; try again", RetryAfter: time.Second}
	}
	for _, known := range []struct {
		err     error
		message string
	}{
		{errNoKey, "the token is signed by a key that is not known, or with an algorithm that is not allowed"},
		{errCritical, "the token has critical headers, which are not understood"},
		{jwt.ErrTokenMalformed, "this is not a token (JWT)"},
		{jwt.ErrTokenUnverifiable, "the token's algorithm is not known"},
		{jwt.ErrTokenSignatureInvalid, "the token's signature is not valid, or its algorithm not allowed"},
		{jwt.ErrTokenRequiredClaimMissing, "the token lacks a claim that is required: exp, or what the server is set up to check (iss, aud)"},
		{jwt.ErrInvalidType, "a claim of the token is of the wrong kind: exp, nbf and iat are numbers, iss and sub texts, aud one or a list"},
		{jwt.ErrTokenExpired, "the token has expired"},
		{jwt.ErrTokenNotValidYet, "the token is not valid yet"},
		{jwt.ErrTokenUsedBeforeIssued, "the token is not valid yet: it is issued in the future"},
		{jwt.ErrTokenInvalidIssuer, "the token's issuer is not the one that is trusted here"},
		{jwt.ErrTokenInvalidAudience, "the token is for another audience"},
	} {
		if errors.Is(err, known.err) {
			return bad(known.message)
		}
	}
	return bad("the token is not valid")
}
