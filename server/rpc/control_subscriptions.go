package rpc

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/push/wire"
	"pushgate/store"
)

// CreateSubscription gives a subscriber a durable subscription.
func (c *controlService) CreateSubscription(ctx context.Context, r *pb.CreateSubscriptionRequest) (*pb.CreateSubscriptionResponse, error) {
	from, err := parseFrom(r.GetFrom())
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	created, err := c.server.engine.CreateSubscription(ctx, r.GetSubscriber(), r.GetChannel(), c.start(r.GetChannel(), from), "")
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	// Listed, it is complete: with its age, and whether it is open.
	view := push.SubscriptionView{Subscription: created}
	list, err := c.server.engine.ListSubscriptions(ctx, store.SubscriptionQuery{Subscriber: r.GetSubscriber(), Channel: r.GetChannel(), Limit: 1})
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	if len(list) == 1 {
		view = list[0]
	}
	return &pb.CreateSubscriptionResponse{Subscription: subscriptionOf(view), Created: !created.Existed}, nil
}

func (c *controlService) start(channel string, from wire.From) store.From {
	switch from.Mode {
	case wire.FromNew:
		return store.From{Start: store.StartNew}
	case wire.FromEarliest:
		return store.From{Start: store.StartEarliest}
	case wire.FromSeq:
		return store.From{Start: store.StartAfter, Seq: from.Seq}
	default:
		return c.server.engine.StartOf(channel)
	}
}

// DeleteSubscription deletes a durable subscription.
func (c *controlService) DeleteSubscription(ctx context.Context, r *pb.DeleteSubscriptionRequest) (*pb.DeleteSubscriptionResponse, error) {
	key := store.SubscriptionKey{Subscriber: r.GetSubscriber(), Channel: r.GetChannel()}
	existed, err := c.server.engine.DeleteSubscription(ctx, key)
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	return &pb.DeleteSubscriptionResponse{Existed: existed}, nil
}

// ListSubscriptions lists durable subscriptions.
func (c *controlService) ListSubscriptions(ctx context.Context, r *pb.ListSubscriptionsRequest) (*pb.ListSubscriptionsResponse, error) {
	if err := optionalSubscriber(r.GetSubscriber()); err != nil {
		return nil, c.server.fail(ctx, err)
	}
	if err := optionalChannel(r.GetChannel()); err != nil {
		return nil, c.server.fail(ctx, err)
	}
	after, err := listSubscriptions.key(r.GetPageToken(), 2)
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	size := pageSize(r.GetPageSize())
	list, err := c.server.engine.ListSubscriptions(ctx, store.SubscriptionQuery{
		Subscriber: r.GetSubscriber(), Channel: r.GetChannel(),
		After: store.SubscriptionKey{Subscriber: after[0], Channel: after[1]}, Limit: size + 1,
	})
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	views, more := cut(list, size)
	response := &pb.ListSubscriptionsResponse{}
	for _, v := range views {
		response.Subscriptions = append(response.Subscriptions, subscriptionOf(v))
	}
	if more {
		last := views[size-1].Key()
		response.NextPageToken = listSubscriptions.token(last.Subscriber, last.Channel)
	}
	return response, nil
}

func subscriptionOf(v push.SubscriptionView) *pb.Subscription {
	s := &pb.Subscription{
		Subscriber: v.Subscriber, Channel: v.Channel, Epoch: v.Epoch, Cursor: v.Cursor, Pending: v.Pending(),
		Online: v.Online, CreateTime: timestamppb.New(v.Created), StartSeq: v.StartSeq,
	}
	if s.Pending > 0 && !v.OldestPending.IsZero() {
		s.OldestPendingAge = durationpb.New(max(0, time.Since(v.OldestPending)))
	}
	return s
}
