package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/push/wire"
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

// ReloadConfiguration reads the configuration again.
func (c *controlService) ReloadConfiguration(ctx context.Context, r *pb.ReloadConfigurationRequest) (*pb.ReloadConfigurationResponse, error) {
	process := c.server.options.Process
	if process == nil {
		return c.UnimplementedControlServiceServer.ReloadConfiguration(ctx, r)
	}
	reloaded, err := process.Reload()
	if err != nil {
		return nil, c.server.fail(ctx, &push.Error{Code: wire.CodeFailedPrecondition, Message: err.Error()})
	}
	return &pb.ReloadConfigurationResponse{Applied: reloaded.Applied, RestartRequired: reloaded.Restart, Problems: reloaded.Problems}, nil
}
