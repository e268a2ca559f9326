package main

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	pb "pushgate/proto/gen/pushgate/v1"
)

type drainCommand struct {
	grpcFlags `embed:""`
}

// Run begins the drain and says what it will close.
func (c *drainCommand) Run(ctx context.Context, t terminal) error {
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		r, err := pb.NewControlServiceClient(conn).Drain(ctx, &pb.DrainRequest{})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.out, "draining %d connections over %s\n", r.GetConnections(), r.GetPeriod().AsDuration())
		return err
	})
}
