package rpc

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "pushgate/proto/gen/pushgate/v1"
)

const (
	defaultInterval = time.Second
	minInterval     = 100 * time.Millisecond
	maxInterval     = time.Hour
)

// GetStats answers with the figures of the node.
func (c *controlService) GetStats(context.Context, *pb.GetStatsRequest) (*pb.GetStatsResponse, error) {
	return &pb.GetStatsResponse{Stats: c.stats()}, nil
}

// WatchStats sends the figures of the node now, and then at every interval.
func (c *controlService) WatchStats(r *pb.WatchStatsRequest, stream grpc.ServerStreamingServer[pb.WatchStatsResponse]) error {
	ctx := stream.Context()
	interval, err := intervalOf(r.GetInterval())
	if err != nil {
		return c.server.fail(ctx, err)
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := stream.Send(&pb.WatchStatsResponse{Stats: c.stats()}); err != nil {
			return c.server.fail(ctx, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return c.server.fail(ctx, ctx.Err())
		case <-overOf(ctx):
			return callOf(ctx).why
		case <-c.server.stopping:
			return errDraining
		}
	}
}

func intervalOf(asked *durationpb.Duration) (time.Duration, error) {
	if asked == nil || asked.GetSeconds() == 0 && asked.GetNanos() == 0 {
		return defaultInterval, nil
	}
	interval := asked.AsDuration()
	if asked.CheckValid() != nil || interval < minInterval || interval > maxInterval {
		return 0, invalid("interval", "interval must be %s to %s", minInterval, maxInterval)
	}
	return interval, nil
}

func (c *controlService) stats() *pb.Stats {
	s, o := c.server.engine.Stats(), c.server.options
	return &pb.Stats{
		Node: o.Node, Version: o.Version, StartTime: timestamppb.New(s.Started), Time: timestamppb.New(s.Taken),
		Draining:    c.server.draining.Load(),
		Connections: s.Connections, Subscriptions: s.Subscriptions, Channels: s.Channels,
		OutboxBytes: s.OutboxBytes, PendingPublishes: s.PendingPublishes,
		Publishes: s.Stored + s.Duplicates + s.Ephemeral + s.Failed,
		Stored:    s.Stored, Duplicates: s.Duplicates, Ephemeral: s.Ephemeral, Failed: s.Failed,
		DeliveredLive: s.DeliveredLive, DeliveredBacklog: s.DeliveredBacklog, Acks: s.Acks, Gaps: s.Gaps,
		Store: &pb.StoreStats{Driver: o.Driver, Available: s.StoreAvailable, PendingCursors: s.PendingCursors},
	}
}
