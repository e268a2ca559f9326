package rpc

import (
	"google.golang.org/grpc"

	"pushgate/server/auth/caller"
)

// Services are those that the server has.
func (s *Server) Services() map[string]grpc.ServiceInfo { return s.grpc.GetServiceInfo() }

// Rights says what each method needs.
func Rights() map[string]caller.Right { return rights }
