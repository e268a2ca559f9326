package main

import (
	"context"
	"strings"

	"google.golang.org/grpc"

	pb "pushgate/proto/gen/pushgate/v1"
)

type connectionsCommand struct {
	listingFlags `embed:""`
	Subscriber   string `name:"subscriber" placeholder:"NAME" help:"Only those of this subscriber."`
}

// Run lists the open connections of a node.
func (c *connectionsCommand) Run(ctx context.Context, t terminal) error {
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		client := pb.NewControlServiceClient(conn)
		page := func(token string) ([]*pb.Connection, string, error) {
			r, err := client.ListConnections(ctx, &pb.ListConnectionsRequest{Subscriber: c.Subscriber, PageSize: pageSize, PageToken: token})
			return r.GetConnections(), r.GetNextPageToken(), err
		}
		return list(c.listingFlags, t, "CONNECTION SUBSCRIBER NODE REMOTE TRANSPORT SUBSCRIPTIONS OUTBOX SENT SINCE", page, func(r *pb.Connection) []any {
			subscriber := r.GetSubscriber()
			if subscriber == "" {
				subscriber = "-"
			}
			transport := strings.ToLower(strings.TrimPrefix(r.GetTransport().String(), "TRANSPORT_"))
			return []any{
				r.GetId(), subscriber, r.GetNode(), r.GetRemoteAddress(), transport,
				r.GetSubscriptions(), r.GetOutboxBytes(), r.GetMessagesSent(), moment(r.GetConnectTime()),
			}
		})
	})
}
