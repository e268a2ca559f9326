package rpc

import pb "pushgate/proto/gen/pushgate/v1"

type controlService struct {
	pb.UnimplementedControlServiceServer
	server *Server
}
