package rpc

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/push/wire"
)

var errLagged = &push.Error{
	Code: wire.CodeResourceExhausted, Message: "the watch was not read fast enough", RetryAfter: retrySpread,
}

// WatchDeliveries tells of acks as they are recorded.
func (c *controlService) WatchDeliveries(r *pb.WatchDeliveriesRequest, stream grpc.ServerStreamingServer[pb.WatchDeliveriesResponse]) error {
	ctx := stream.Context()
	if err := optionalChannel(r.GetChannel()); err != nil {
		return c.server.fail(ctx, err)
	}
	if err := optionalSubscriber(r.GetSubscriber()); err != nil {
		return c.server.fail(ctx, err)
	}
	watch := c.server.engine.WatchDeliveries(r.GetChannel(), r.GetSubscriber())
	unread := newUnread()
	c.server.readers.Go(func() { unread.collect(watch) })
	defer watch.Close()
	if err := stream.SendHeader(metadata.MD{}); err != nil {
		return c.server.fail(ctx, err)
	}
	for {
		select {
		case <-unread.more:
		case <-ctx.Done():
			return c.server.fail(ctx, ctx.Err())
		case <-overOf(ctx):
			return callOf(ctx).why
		case <-c.server.stopping:
			return errDraining
		}
		list, lagged := unread.take()
		for _, d := range list {
			err := stream.Send(&pb.WatchDeliveriesResponse{
				Channel: d.Channel, Subscriber: d.Subscriber, AckedSeq: d.Seq, AckTime: timestamppb.New(d.Time),
			})
			if err != nil {
				return c.server.fail(ctx, err)
			}
		}
		if lagged {
			return c.server.fail(ctx, errLagged)
		}
	}
}
