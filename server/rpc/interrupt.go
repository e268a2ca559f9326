package rpc

import (
	"context"
	"strings"

	"google.golang.org/grpc"
)

// interruptStream makes the streams of health checks and reflection end when
// the server stops: they know nothing of it, and would hold up a graceful stop
// for as long as their callers like.
func (s *Server) interruptStream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if strings.HasPrefix(info.FullMethod, "/"+servicePrefix) {
		return handler(service, stream)
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	s.readers.Go(func() {
		select {
		case <-s.stopping:
			cancel()
		case <-overOf(ctx):
			cancel()
		case <-ctx.Done():
		}
	})
	err := handler(service, &interruptible{ServerStream: stream, server: s, ctx: ctx})
	if isClosed(overOf(ctx)) {
		return callOf(ctx).why
	}
	if s.isStopping() {
		return errDraining
	}
	return err
}

func (s *Server) isStopping() bool { return isClosed(s.stopping) }

// isClosed is false for nil.
func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// interruptible is a stream whose context ends with the server, and whose
// receiving does, too.
type interruptible struct {
	grpc.ServerStream
	server *Server
	ctx    context.Context
}

func (i *interruptible) Context() context.Context { return i.ctx }

// RecvMsg leaves a goroutine behind when it is interrupted, which ends when the
// handler has returned: m must not be used after that.
func (i *interruptible) RecvMsg(m any) error {
	received := make(chan error, 1)
	i.server.readers.Go(func() { received <- i.ServerStream.RecvMsg(m) })
	select {
	case err := <-received:
		arrived(i.ctx)
		return err
	case <-i.ctx.Done():
		return i.ctx.Err()
	}
}
