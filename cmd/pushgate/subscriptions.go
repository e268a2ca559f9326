package main

import (
	"context"
	"time"

	"google.golang.org/grpc"

	pb "pushgate/proto/gen/pushgate/v1"
)

type subscriptionsCommand struct {
	listingFlags `embed:""`
	Subscriber   string `name:"subscriber" placeholder:"NAME" help:"Only those of this subscriber."`
	Channel      string `name:"channel" placeholder:"NAME" help:"Only those to this channel."`
}

// Run lists durable subscriptions.
func (c *subscriptionsCommand) Run(ctx context.Context, t terminal) error {
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		client := pb.NewControlServiceClient(conn)
		page := func(token string) ([]*pb.Subscription, string, error) {
			r, err := client.ListSubscriptions(ctx, &pb.ListSubscriptionsRequest{
				Subscriber: c.Subscriber, Channel: c.Channel, PageSize: pageSize, PageToken: token,
			})
			return r.GetSubscriptions(), r.GetNextPageToken(), err
		}
		return list(c.listingFlags, t, "SUBSCRIBER CHANNEL CURSOR PENDING WAITING ONLINE CREATED", page, func(r *pb.Subscription) []any {
			waiting := "-"
			if age := r.GetOldestPendingAge(); age != nil {
				waiting = age.AsDuration().Round(time.Second).String()
			}
			return []any{r.GetSubscriber(), r.GetChannel(), r.GetCursor(), r.GetPending(), waiting, yes(r.GetOnline()), moment(r.GetCreateTime())}
		})
	})
}
