package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "pushgate/proto/gen/pushgate/v1"
)

// Drain ends the process.
func (c *controlService) Drain(ctx context.Context, r *pb.DrainRequest) (*pb.DrainResponse, error) {
	process := c.server.options.Process
	if process == nil {
		return c.UnimplementedControlServiceServer.Drain(ctx, r)
	}
	period := process.Drain()
	return &pb.DrainResponse{
		Connections: c.server.engine.Stats().Connections, Period: durationpb.New(period),
	}, nil
}
