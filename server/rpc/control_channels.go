package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/store"
)

// ListChannels lists the channels in the store.
func (c *controlService) ListChannels(ctx context.Context, r *pb.ListChannelsRequest) (*pb.ListChannelsResponse, error) {
	if err := validatePart("prefix", r.GetPrefix()); err != nil {
		return nil, c.server.fail(ctx, err)
	}
	after, err := listChannels.key(r.GetPageToken(), 1)
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	size := pageSize(r.GetPageSize())
	list, err := c.server.engine.ListChannels(ctx, store.ChannelQuery{Prefix: r.GetPrefix(), After: after[0], Limit: size + 1})
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	views, more := cut(list, size)
	response := &pb.ListChannelsResponse{}
	for _, v := range views {
		response.Channels = append(response.Channels, channelOf(v))
	}
	if more {
		response.NextPageToken = listChannels.token(views[size-1].Channel.Channel)
	}
	return response, nil
}

// GetChannel describes one channel.
func (c *controlService) GetChannel(ctx context.Context, r *pb.GetChannelRequest) (*pb.GetChannelResponse, error) {
	view, err := c.server.engine.Channel(ctx, r.GetChannel())
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	return &pb.GetChannelResponse{Channel: channelOf(view)}, nil
}

// PurgeChannel removes the oldest messages of a channel.
func (c *controlService) PurgeChannel(ctx context.Context, r *pb.PurgeChannelRequest) (*pb.PurgeChannelResponse, error) {
	if err := validateSeq("up_to_seq", r.GetUpToSeq()); err != nil {
		return nil, c.server.fail(ctx, err)
	}
	before, err := c.server.engine.Channel(ctx, r.GetChannel())
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	tail, err := c.server.engine.PurgeChannel(ctx, r.GetChannel(), r.GetUpToSeq())
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	return &pb.PurgeChannelResponse{Purged: tail.Floor - min(before.Floor, tail.Floor), OldestSeq: tail.Oldest()}, nil
}

func channelOf(v push.ChannelView) *pb.Channel {
	c := &pb.Channel{
		Name: v.Channel.Channel, Epoch: v.Epoch, NewestSeq: v.LastSeq, OldestSeq: v.Oldest(),
		Messages: v.Messages, Bytes: v.Bytes, Subscriptions: v.Subscriptions, Online: uint64(v.Online),
	}
	if !v.OldestTime.IsZero() {
		c.OldestPublishTime = timestamppb.New(v.OldestTime)
	}
	return c
}
