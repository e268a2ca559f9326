package rpc

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
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
	socket   *socket
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
// header: it runs where a connection is read, so it waits for nobody, and what it has
// recorded is written elsewhere. Callers with tokens that cannot be verified at once it
// leaves to admit.
func (s *Server) knock(ctx context.Context, info *tap.Info) (context.Context, error) {
	ctx, err := s.enter(ctx, socketOf(ctx), info)
	if err == nil {
		return ctx, nil
	}
	err = s.fail(ctx, err)
	if _, known := rights[info.FullMethodName]; known {
		s.metrics.ended(info.FullMethodName, err)
	}
	return ctx, err
}

func (s *Server) enter(ctx context.Context, conn *socket, info *tap.Info) (context.Context, error) {
	guarded := s.options.Callers.Guarded()
	switch {
	case !forAll(info.FullMethodName) && conn.lapsed(time.Now()):
		return ctx, s.strange(ctx, conn, nil, errLapsed)
	case !forAll(info.FullMethodName) && guarded:
		return s.identify(ctx, conn, info)
	case !forAll(info.FullMethodName):
		return ctx, s.settle(conn)
	case guarded && !conn.identified.Load():
		if s.options.Callers.Known(caller.AtOnce, conn.credentials(info.Header[authorizationKey]), time.Now()) != nil {
			_ = s.settle(conn) // without a place it is a stranger's as before
		}
	}
	return s.welcome(ctx, conn, info.FullMethodName)
}

// strange refuses a call of somebody who has not shown who it is.
// Of whom the credentials are is nil, unless they are good, but not here or now.
func (s *Server) strange(ctx context.Context, from *socket, of *caller.Identity, err error) error {
	err = s.fail(ctx, err)
	if code := status.Code(err); code == codes.Unauthenticated || code == codes.ResourceExhausted {
		message := status.Convert(err).Message()
		if of == nil {
			s.options.Audit.Failed(audit.SideGRPC, from.address, message)
		} else {
			s.options.Audit.FailedAs(of.String(), from.address, message)
		}
	}
	return err
}

// forbid refuses what a caller may not do.
func (s *Server) forbid(ctx context.Context, who *caller.Identity, method string, err error) error {
	if e := push.AsError(err); e.Code == wire.CodePermissionDenied && who != nil {
		s.options.Audit.Denied(who.String(), socketOf(ctx).address, method, e.Message)
	}
	return err
}

// identify finds who makes a call, but for one with a token that has to wait for keys.
func (s *Server) identify(ctx context.Context, conn *socket, info *tap.Info) (context.Context, error) {
	shown, now := info.Header[authorizationKey], time.Now()
	if last := conn.last.Load(); last != nil && slices.Equal(last.authorization, shown) {
		if identity := s.options.Callers.Again(ctx, last.identity, now); identity != nil {
			return s.let(ctx, conn, identity, info.FullMethodName)
		}
	}
	identity, err := s.options.Callers.Find(conn.credentials(shown), now)
	if err != nil {
		return ctx, s.strange(ctx, conn, identity, err)
	}
	if identity == nil {
		return s.await(ctx, conn, shown, info.FullMethodName)
	}
	return s.found(ctx, conn, &found{shown, identity}, info.FullMethodName)
}

// await lets in a call with a token whose key has to be fetched. Meanwhile its message
// comes at the pace of strangers: as soon as it is known who calls, it does no longer.
func (s *Server) await(ctx context.Context, conn *socket, shown []string, method string) (context.Context, error) {
	ctx, err := s.welcome(ctx, conn, method)
	if err == nil {
		s.readers.Go(func() {
			if s.options.Callers.Known(ctx, conn.credentials(shown), time.Now()) != nil {
				_ = s.settle(conn)
			}
		})
	}
	return ctx, err
}

// found lets in somebody who has just shown who it is, and remembers who that is.
func (s *Server) found(ctx context.Context, conn *socket, f *found, method string) (context.Context, error) {
	s.options.Audit.Used(f.identity.String(), conn.address)
	conn.last.Store(f)
	return s.let(ctx, conn, f.identity, method)
}

// forAll says that everybody may call a method.
func forAll(method string) bool {
	right, known := rights[method]
	return known && right == caller.None
}

// let notes who makes a call, if that one may. To call what there is not it may: it is
// answered so.
func (s *Server) let(ctx context.Context, conn *socket, identity *caller.Identity, method string) (context.Context, error) {
	if right, known := rights[method]; known && !identity.Has(right) {
		return ctx, s.forbid(ctx, identity, method, s.options.Callers.Deny(right))
	}
	if err := s.settle(conn); err != nil {
		return ctx, err
	}
	return context.WithValue(ctx, callKey{}, &call{socket: conn, identity: identity}), nil
}

// admit verifies the token of a call that knock has left to it.
func (s *Server) admit(ctx context.Context, method string) (context.Context, error) {
	if callOf(ctx) != nil || !s.options.Callers.Guarded() || forAll(method) {
		return ctx, nil
	}
	arrived(ctx)
	conn := socketOf(ctx)
	shown := metadata.ValueFromIncomingContext(ctx, authorizationKey)
	identity, err := s.options.Callers.Verify(ctx, conn.credentials(shown), time.Now())
	if err != nil {
		return ctx, s.strange(ctx, conn, nil, err)
	}
	ctx, err = s.found(ctx, conn, &found{shown, identity}, method)
	return ctx, s.fail(ctx, err)
}

func (s *Server) admitUnary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (answer any, err error) {
	arrived(ctx)
	ctx, err = s.admit(ctx, info.FullMethod)
	if err == nil && !forAll(info.FullMethod) {
		err = s.fail(ctx, s.standing(ctx, callOf(ctx), time.Now())) // its message may have come long after its header
	}
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
		c = &call{socket: socketOf(ctx)}
		ctx = context.WithValue(ctx, callKey{}, c)
	}
	c.over = make(chan struct{})
	defer s.streams.add(s, c)()
	return handler(service, &admitted{ServerStream: stream, server: s, ctx: ctx, call: c})
}

// admitted is a stream whose context says who calls.
type admitted struct {
	grpc.ServerStream
	server *Server
	ctx    context.Context
	call   *call
	begun  bool // a message has come
}

// Context is the stream's.
func (a *admitted) Context() context.Context { return a.ctx }

// RecvMsg receives nothing from a caller that may not go on. The first message may have
// come long after the header.
func (a *admitted) RecvMsg(m any) error {
	err := a.ServerStream.RecvMsg(m)
	switch {
	case err != nil:
		return err
	case isClosed(a.call.over):
		return a.call.why
	case !a.begun:
		a.begun = true
		return a.server.fail(a.ctx, a.server.standing(a.ctx, a.call, time.Now()))
	}
	return nil
}
