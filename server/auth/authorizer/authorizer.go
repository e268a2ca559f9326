// Package authorizer asks a service of the operator's who clients are, and what they
// may subscribe to.
package authorizer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/push/wire"
	"pushgate/server/auth/token"
)

// Options are the settings of an Authorizer.
type Options struct {
	Node string
	// Timeout is how long an answer is waited for.
	Timeout time.Duration
	// Allow is the answer where there is none: clients may. It never says who they
	// are.
	Allow bool
	// Concurrency is how many calls may be under way; others wait, within their time.
	Concurrency int
	// Cache is how many answers are kept.
	Cache int
	// MaxCredential is the length of the longest credential, in bytes.
	MaxCredential int
	// Rules are what the namespaces allow.
	Rules    *token.Rules
	Logger   *slog.Logger
	Registry prometheus.Registerer
}

// Authorizer asks the service. Safe for concurrent use. Close ends the calls that are
// under way, and waits for their goroutines.
type Authorizer struct {
	service pb.AuthorizerServiceClient
	options Options
	slots   chan struct{}
	flights flights
	rules   atomic.Pointer[token.Rules]

	connects      *cache[connectAnswer]
	subscriptions *cache[string] // "": allowed; otherwise what the client is told
	metrics       metrics
	faults        faults
}

// New makes an Authorizer that calls over conn, which stays the caller's.
func New(conn grpc.ClientConnInterface, o Options) *Authorizer {
	a := &Authorizer{
		service: pb.NewAuthorizerServiceClient(conn), options: o, slots: make(chan struct{}, o.Concurrency),
		connects: newCache[connectAnswer](o.Cache), subscriptions: newCache[string](o.Cache),
		metrics: newMetrics(o.Registry), faults: faults{logger: o.Logger},
	}
	a.rules.Store(o.Rules)
	a.flights.open()
	return a
}

// Close ends the calls that are under way; who waits for them is told that they failed.
// Twice is safe.
func (a *Authorizer) Close() { a.flights.close() }

// SetRules replaces the rules for the answers from then on.
func (a *Authorizer) SetRules(r *token.Rules) {
	a.rules.Store(r)
	a.connects.clear()
}

// Anonymous is what clients without any credential may do.
func (a *Authorizer) Anonymous() push.Access { return a.rules.Load().Anonymous() }

// maxCache is the longest time that an answer is kept.
const maxCache = time.Hour

// errFailed is what a client is told when the service does not answer.
var errFailed = &push.Error{Code: wire.CodeUnavailable, Message: "it cannot be known now whether you may; try again", RetryAfter: time.Second}

// call has one question asked at a time, for everybody who has it, and waits for the
// answer as long as ctx.
func call[T any](ctx context.Context, a *Authorizer, name, key string, ask func(context.Context) (T, error)) (T, error) {
	f := a.flights.join(name+key, func(ctx context.Context) (any, error) {
		ctx, cancel := context.WithTimeout(ctx, a.options.Timeout)
		defer cancel()
		select {
		case a.slots <- struct{}{}:
			defer func() { <-a.slots }()
		case <-ctx.Done():
			return nil, errors.New("too many calls are under way")
		}
		began := time.Now()
		answer, err := ask(ctx)
		a.metrics.took(name, time.Since(began), err)
		if err != nil {
			a.faults.report(name, err)
		}
		return answer, err
	})
	select {
	case <-f.done:
		answer, _ := f.answer.(T)
		return answer, f.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// maxMessage is how much of a message of the service a client is told, in bytes.
const maxMessage = 200

// message is what the client is told.
func message(text, otherwise string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	for len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "")
	}
	return cmp.Or(strings.TrimSpace(text), otherwise)
}

// faults logs failures, at most one a second.
type faults struct {
	logger *slog.Logger

	mu   sync.Mutex
	last time.Time
}

func (f *faults) report(name string, err error) {
	f.mu.Lock()
	due := time.Since(f.last) >= time.Second
	if due {
		f.last = time.Now()
	}
	f.mu.Unlock()
	if due {
		f.logger.Warn("the authorizer failed", "call", name, "error", reason(err))
	}
}

// reason is an error without what the service says: that may repeat a credential.
func reason(err error) string {
	if s, ok := status.FromError(err); ok {
		return s.Code().String()
	}
	return err.Error()
}

// bad is an answer that makes no sense.
func bad(format string, args ...any) error {
	return fmt.Errorf("its answer makes no sense: "+format, args...)
}
