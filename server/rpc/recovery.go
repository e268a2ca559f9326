package rpc

import (
	"context"
	"runtime/debug"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var errInternal = status.Error(codes.Internal, "internal error")

func (s *Server) recoverUnary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (response any, err error) {
	err = s.guard(info.FullMethod, func() error {
		response, err = handler(ctx, request)
		return err
	})
	return response, err
}

func (s *Server) recoverStream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return s.guard(info.FullMethod, func() error { return handler(service, stream) })
}

// guard turns a panic into an error for the caller of this one call.
func (s *Server) guard(method string, work func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.options.Logger.Error("panic in a call", "method", method, "panic", p, "stack", string(debug.Stack()))
			err = errInternal
		}
	}()
	return work()
}
