package main

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	pb "pushgate/proto/gen/pushgate/v1"
)

type disconnectCommand struct {
	grpcFlags  `embed:""`
	Connection string `arg:"" optional:"" help:"The connection's id, as pushgate connections lists it."`
	Subscriber string `name:"subscriber" placeholder:"NAME" help:"Close all connections of this subscriber instead."`
	Reason     string `name:"reason" placeholder:"TEXT" help:"What the clients are told."`
	Reconnect  bool   `name:"reconnect" help:"The clients are to come back. Otherwise they are told not to."`
}

// Run closes connections and says how many.
func (c *disconnectCommand) Run(ctx context.Context, t terminal) error {
	request := &pb.DisconnectRequest{Reason: c.Reason, Reconnect: c.Reconnect}
	switch {
	case (c.Connection == "") == (c.Subscriber == ""):
		return usageError{"give the id of a connection, or --subscriber"}
	case c.Connection != "":
		request.Target = &pb.DisconnectRequest_Connection{Connection: c.Connection}
	default:
		request.Target = &pb.DisconnectRequest_Subscriber{Subscriber: c.Subscriber}
	}
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		r, err := pb.NewControlServiceClient(conn).Disconnect(ctx, request)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.out, "disconnected %d\n", r.GetDisconnected())
		return err
	})
}
