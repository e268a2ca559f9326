package main

import (
	"context"

	"google.golang.org/grpc"

	pb "pushgate/proto/gen/pushgate/v1"
)

type channelsCommand struct {
	listingFlags `embed:""`
	Prefix       string `arg:"" optional:"" help:"Only channels whose names begin with this."`
}

// Run lists channels.
func (c *channelsCommand) Run(ctx context.Context, t terminal) error {
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		client := pb.NewControlServiceClient(conn)
		page := func(token string) ([]*pb.Channel, string, error) {
			r, err := client.ListChannels(ctx, &pb.ListChannelsRequest{Prefix: c.Prefix, PageSize: pageSize, PageToken: token})
			return r.GetChannels(), r.GetNextPageToken(), err
		}
		return list(c.listingFlags, t, "CHANNEL NEWEST OLDEST MESSAGES BYTES SUBSCRIPTIONS ONLINE", page, func(r *pb.Channel) []any {
			return []any{r.GetName(), r.GetNewestSeq(), r.GetOldestSeq(), r.GetMessages(), r.GetBytes(), r.GetSubscriptions(), r.GetOnline()}
		})
	})
}
