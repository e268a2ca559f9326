package rpc_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	pb "pushgate/proto/gen/pushgate/v1"
)

// every has two requests for each RPC: one that is answered, and one that is
// refused with the code. Channels "news" and "old" hold message 1, and alice, who is
// online, has a subscription to it.
var every = map[protoreflect.FullName]struct {
	good, bad proto.Message
	code      codes.Code
	silent    bool // a stream that tells nothing at first
}{
	"pushgate.v1.PublishService.Publish": {
		good: &pb.PublishRequest{Channel: "a", Data: []byte("1")}, bad: &pb.PublishRequest{}, code: codes.InvalidArgument,
	},
	"pushgate.v1.PublishService.PublishBatch": {
		good: &pb.PublishBatchRequest{Requests: []*pb.PublishRequest{{}}}, bad: &pb.PublishBatchRequest{}, code: codes.InvalidArgument,
	},
	"pushgate.v1.PublishService.PublishStream": {good: item(1, "a", "1")},
	"pushgate.v1.PublishService.Broadcast": {
		good: &pb.BroadcastRequest{Channels: []string{"a"}}, bad: &pb.BroadcastRequest{}, code: codes.InvalidArgument,
	},
	"pushgate.v1.ControlService.ListConnections": {
		good: &pb.ListConnectionsRequest{}, bad: &pb.ListConnectionsRequest{PageToken: "?"}, code: codes.InvalidArgument,
	},
	"pushgate.v1.ControlService.GetConnection": {bad: &pb.GetConnectionRequest{Id: "x"}, code: codes.NotFound},
	"pushgate.v1.ControlService.Disconnect": {
		good: &pb.DisconnectRequest{Target: &pb.DisconnectRequest_Subscriber{Subscriber: "x"}},
		bad:  &pb.DisconnectRequest{}, code: codes.InvalidArgument,
	},
	"pushgate.v1.ControlService.CreateSubscription": {
		good: &pb.CreateSubscriptionRequest{Subscriber: "x", Channel: "a"},
		bad:  &pb.CreateSubscriptionRequest{Subscriber: "x", Channel: "chat:1"}, code: codes.FailedPrecondition,
	},
	"pushgate.v1.ControlService.DeleteSubscription": {
		good: &pb.DeleteSubscriptionRequest{Subscriber: "x", Channel: "a"},
		bad:  &pb.DeleteSubscriptionRequest{Subscriber: "x"}, code: codes.InvalidArgument,
	},
	"pushgate.v1.ControlService.ListSubscriptions": {
		good: &pb.ListSubscriptionsRequest{}, bad: &pb.ListSubscriptionsRequest{PageToken: "?"}, code: codes.InvalidArgument,
	},
	"pushgate.v1.ControlService.ListChannels": {
		good: &pb.ListChannelsRequest{}, bad: &pb.ListChannelsRequest{PageToken: "?"}, code: codes.InvalidArgument,
	},
	"pushgate.v1.ControlService.GetChannel": {
		good: &pb.GetChannelRequest{Channel: "news"}, bad: &pb.GetChannelRequest{Channel: "x"}, code: codes.NotFound,
	},
	"pushgate.v1.ControlService.PurgeChannel": {
		good: &pb.PurgeChannelRequest{Channel: "old"}, bad: &pb.PurgeChannelRequest{Channel: "x"}, code: codes.NotFound,
	},
	"pushgate.v1.ControlService.ListMessages": {
		good: &pb.ListMessagesRequest{Channel: "news"}, bad: &pb.ListMessagesRequest{Channel: "x"}, code: codes.NotFound,
	},
	"pushgate.v1.ControlService.GetMessage": {good: bySeq("news", 1), bad: bySeq("news", 2), code: codes.NotFound},
	"pushgate.v1.ControlService.WatchDeliveries": {
		good: &pb.WatchDeliveriesRequest{}, bad: &pb.WatchDeliveriesRequest{Channel: " "}, code: codes.InvalidArgument, silent: true,
	},
	"pushgate.v1.ControlService.RevokeTokens": {
		good: &pb.RevokeTokensRequest{Subscriber: "x"}, bad: &pb.RevokeTokensRequest{}, code: codes.InvalidArgument,
	},
	"pushgate.v1.ControlService.ListRevocations": {
		good: &pb.ListRevocationsRequest{}, bad: &pb.ListRevocationsRequest{PageToken: "?"}, code: codes.InvalidArgument,
	},
	"pushgate.v1.ControlService.GetStats":            {good: &pb.GetStatsRequest{}},
	"pushgate.v1.ControlService.WatchStats":          {good: &pb.WatchStatsRequest{}},
	"pushgate.v1.ControlService.Drain":               {good: &pb.DrainRequest{}},
	"pushgate.v1.ControlService.ReloadConfiguration": {good: &pb.ReloadConfigurationRequest{}},
	"pushgate.v1.SubscribeService.Subscribe": {
		good: &pb.SubscribeRequest{Request: &pb.SubscribeRequest_Connect{Connect: &pb.Connect{Subscriber: "alice"}}},
		bad:  &pb.SubscribeRequest{}, code: codes.InvalidArgument,
	},
}

// methods are all that the API has.
func methods() map[protoreflect.FullName]protoreflect.MethodDescriptor {
	methods := map[protoreflect.FullName]protoreflect.MethodDescriptor{}
	for _, file := range []protoreflect.FileDescriptor{pb.File_pushgate_v1_publish_proto, pb.File_pushgate_v1_control_proto, pb.File_pushgate_v1_subscribe_proto} {
		for i := range file.Services().Len() {
			list := file.Services().Get(i).Methods()
			for i := range list.Len() {
				methods[list.Get(i).FullName()] = list.Get(i)
			}
		}
	}
	return methods
}

func TestEveryRPC(t *testing.T) {
	methods := methods()
	if have, want := slices.Sorted(maps.Keys(every)), slices.Sorted(maps.Keys(methods)); !slices.Equal(have, want) {
		t.Fatalf("the table has %q,\nthe API has %q", have, want)
	}
	n := start(t)
	n.send("news", "1")
	n.send("old", "1")
	n.open("alice").subscribe("news")
	for name, method := range methods {
		c := every[name]
		if c.good != nil {
			if err := n.call(patient(t), method, c.good, c.silent); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if c.bad != nil {
			if err := n.call(patient(t), method, c.bad, false); status.Code(err) != c.code {
				t.Errorf("%s answers %v, want %v", name, err, c.code)
			}
		}
	}
}

// call makes one call, of a stream up to its first answer.
func (n *node) call(ctx context.Context, method protoreflect.MethodDescriptor, request proto.Message, silent bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	path := fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())
	answer := dynamicpb.NewMessage(method.Output())
	if !method.IsStreamingClient() && !method.IsStreamingServer() {
		return n.conn.Invoke(ctx, path, request, answer)
	}
	stream, err := n.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, path)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(request); err != nil {
		return stream.RecvMsg(answer) // it says why
	}
	if !method.IsStreamingClient() {
		if err := stream.CloseSend(); err != nil {
			return err
		}
	}
	if silent {
		if header, err := stream.Header(); header != nil || err != nil {
			return err
		}
	}
	return stream.RecvMsg(answer)
}
