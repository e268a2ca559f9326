package rpc

import (
	"context"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/proto"

	"pushgate/push"
	"pushgate/push/wire"
	"pushgate/server/audit"
	"pushgate/server/auth/caller"
)

// call is what is known of who makes a call.
type call struct {
	identity *caller.Identity // nil: everybody may do everything
	// Of streams only. over is closed when the caller may not go on; then why says it.
	over chan struct{}
	why  error
}

type callKey struct{}

// callOf is nil where everybody may do everything.
func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// identityOf is nil where everybody may do everything.
func identityOf(ctx context.Context) *caller.Identity {
	if c := callOf(ctx); c != nil {
		return c.identity
	}
	return nil
}

// overOf is closed when the caller of a stream may not go on; nil never is.
func overOf(ctx context.Context) <-chan struct{} {
	if c := callOf(ctx); c != nil {
		return c.over
	}
	return nil
}

const authorizationKey = "authorization"

// knock refuses calls before anything is done for them, or read of them but their
// header: it runs where a connection is read, and waits for nothing. Callers with
// tokens that have to be verified it leaves to admit.
func (s *Server) knock(ctx context.Context, info *tap.Info) (context.Context, error) {
	if !s.options.Callers.Guarded() || forAll(info.FullMethodName) {
		return ctx, nil
	}
	ctx, err := s.identify(ctx, info)
	if _, known := rights[info.FullMethodName]; known && err != nil {
		s.metrics.ended(strings.TrimPrefix(info.FullMethodName, "/"), err)
	}
	return ctx, err
}

// strange refuses a call of somebody who has not shown who it is.
func (s *Server) strange(ctx context.Context, from *socket, err error) error {
	err = s.fail(ctx, err)
	if code := status.Code(err); code == codes.Unauthenticated || code == codes.ResourceExhausted {
		s.options.Audit.Failed(audit.SideGRPC, from.address, status.Convert(err).Message())
	}
	return err
}

// forbid refuses what a caller may not do.
func (s *Server) forbid(ctx context.Context, who *caller.Identity, method string, err error) error {
	if e := push.AsError(err); e.Code == wire.CodePermissionDenied {
		s.options.Audit.Denied(who.String(), socketOf(ctx).address, method, e.Message)
	}
	return err
}

// identify finds who makes a call, but for one with a token.
func (s *Server) identify(ctx context.Context, info *tap.Info) (context.Context, error) {
	conn, now := socketOf(ctx), time.Now()
	credentials := caller.Credentials{Certificate: conn.certificate, Address: conn.address}
	credentials.Authorization = strings.Join(info.Header[authorizationKey], ", ") // as RFC 9110 §5.3 has it
	if last := conn.last.Load(); last != nil && last.authorization == credentials.Authorization {
		if identity := s.options.Callers.Again(ctx, last.identity, now); identity != nil {
			return s.let(ctx, identity, info.FullMethodName)
		}
	}
	identity, err := s.options.Callers.Find(credentials, now)
	if err != nil {
		return ctx, s.strange(ctx, conn, err)
	}
	if identity == nil {
		return ctx, nil
	}
	s.options.Audit.Used(identity.String(), conn.address)
	conn.last.Store(&found{credentials.Authorization, identity})
	return s.let(ctx, identity, info.FullMethodName)
}

// forAll says that everybody may call a method.
func forAll(method string) bool {
	right, known := rights[method]
	return known && right == caller.None
}

// let notes who makes a call, if that one may.
func (s *Server) let(ctx context.Context, identity *caller.Identity, method string) (context.Context, error) {
	right, known := rights[method]
	if !known || !identity.Has(right) {
		return ctx, s.fail(ctx, s.forbid(ctx, identity, method, s.options.Callers.Deny(right)))
	}
	return context.WithValue(ctx, callKey{}, &call{identity: identity}), nil
}

// admit verifies the token of a call that knock has left to it.
func (s *Server) admit(ctx context.Context, method string) (context.Context, error) {
	if callOf(ctx) != nil || !s.options.Callers.Guarded() || forAll(method) {
		return ctx, nil
	}
	conn := socketOf(ctx)
	authorization := headerOf(ctx, authorizationKey)
	identity, err := s.options.Callers.Verify(ctx, caller.Credentials{Authorization: authorization, Address: conn.address}, time.Now())
	if err != nil {
		return ctx, s.strange(ctx, conn, err)
	}
	s.options.Audit.Used(identity.String(), conn.address)
	conn.last.Store(&found{authorization, identity})
	return s.let(ctx, identity, method)
}

func (s *Server) admitUnary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (answer any, err error) {
	ctx, err = s.admit(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	if message, ok := request.(proto.Message); ok && rights[info.FullMethod] == caller.Control {
		code := codes.Internal // unless the handler comes back
		defer func() {
			s.options.Audit.Operated(identityOf(ctx).String(), socketOf(ctx).address, info.FullMethod, message, code)
		}()
		answer, err = handler(ctx, request)
		code = status.Code(err)
		return answer, err
	}
	return handler(ctx, request)
}

func (s *Server) admitStream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx, err := s.admit(stream.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	if forAll(info.FullMethod) {
		return handler(service, stream)
	}
	c := callOf(ctx)
	if c == nil {
		c = &call{}
		ctx = context.WithValue(ctx, callKey{}, c)
	}
	c.over = make(chan struct{})
	defer s.streams.add(s, c)()
	return handler(service, &admitted{stream, ctx})
}

// admitted is a stream whose context says who calls.
type admitted struct {
	grpc.ServerStream
	ctx context.Context
}

// Context is the stream's.
func (a *admitted) Context() context.Context { return a.ctx }

// streams are those under way. One goroutine looks whether their callers still may, as
// long as there are any.
type streams struct {
	mu      sync.Mutex
	all     map[*call]struct{}
	walking bool
}

// standingInterval is how long a caller that may not go on goes on at most.
const standingInterval = 500 * time.Millisecond

func (l *streams) add(s *Server, c *call) (remove func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[*call]struct{}{}
	}
	l.all[c] = struct{}{}
	if !l.walking && !s.isStopping() {
		l.walking = true
		s.readers.Go(func() { l.walk(s) })
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.all, c)
	}
}

func (l *streams) walk(s *Server) {
	tick := time.NewTicker(standingInterval)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			if !l.look(s, now) {
				return
			}
		case <-s.stopping:
			return
		}
	}
}

// standing says why a caller may not go on, if so; a nil one has not had to show who it
// is.
func (s *Server) standing(i *caller.Identity, now time.Time) error {
	if i != nil {
		return i.Standing(context.Background(), now)
	}
	if s.options.Callers.Guarded() {
		return errStranger
	}
	return nil
}

var errStranger = &push.Error{Code: wire.CodeUnauthenticated, Message: "callers have to show who they are from now on; call again, with credentials"}

// look ends the streams whose callers may not go on, and says whether there are more.
func (l *streams) look(s *Server, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.all {
		if err := s.standing(c.identity, now); err != nil {
			c.why = s.fail(context.Background(), err)
			close(c.over)
			delete(l.all, c)
		}
	}
	l.walking = len(l.all) > 0
	return l.walking
}
