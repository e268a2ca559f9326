package rpc_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	pb "pushgate/proto/gen/pushgate/v1"
)

// every has what is to be known of each RPC: what it needs, a request that is answered, and
// one that is refused with the code. Channels "news" and "old" hold message 1, and alice, who is
// online, has a subscription to it.
var every = map[protoreflect.FullName]struct {
	need      need
	good, bad proto.Message
	code      codes.Code
	silent    bool // a stream that tells nothing at first
}{
	"pushgate.v1.PublishService.Publish": {
		need: publish, good: &pb.PublishRequest{Channel: "a", Data: []byte("1")}, bad: &pb.PublishRequest{}, code: codes.InvalidArgument,
	},
	"pushgate.v1.PublishService.PublishBatch": {
		need: publish, good: &pb.PublishBatchRequest{Requests: []*pb.PublishRequest{{}}}, bad: &pb.PublishBatchRequest{}, code: codes.InvalidArgument,
	},
	"pushgate.v1.PublishService.PublishStream": {need: publish, good: item(1, "a", "1")},
	"pushgate.v1.PublishService.Broadcast": {
		need: publish, good: &pb.BroadcastRequest{Channels: []string{"a"}}, bad: &pb.BroadcastRequest{}, code: codes.InvalidArgument,
	},
	"pushgate.v1.ControlService.ListConnections": {
		need: read, good: &pb.ListConnectionsRequest{}, bad: &pb.ListConnectionsRequest{PageToken: "?"}, code: codes.InvalidArgument,
	},
	"pushgate.v1.ControlService.GetConnection": {need: read, bad: &pb.GetConnectionRequest{Id: "x"}, code: codes.NotFound},
	"pushgate.v1.ControlService.Disconnect": {
		need: control, good: &pb.DisconnectRequest{Target: &pb.DisconnectRequest_Subscriber{Subscriber: "x"}},
		bad: &pb.DisconnectRequest{}, code: codes.InvalidArgument,
	},
	"pushgate.v1.ControlService.CreateSubscription": {
		need: control, good: &pb.CreateSubscriptionRequest{Subscriber: "x", Channel: "a"},
		bad: &pb.CreateSubscriptionRequest{Subscriber: "x", Channel: "chat:1"}, code: codes.FailedPrecondition,
	},
	"pushgate.v1.ControlService.DeleteSubscription": {
		need: control, good: &pb.DeleteSubscriptionRequest{Subscriber: "x", Channel: "a"},
		bad: &pb.DeleteSubscriptionRequest{Subscriber: "x"}, code: codes.InvalidArgument,
	},
	"pushgate.v1.ControlService.ListSubscriptions": {
		need: read, good: &pb.ListSubscriptionsRequest{}, bad: &pb.ListSubscriptionsRequest{PageToken: "?"}, code: codes.InvalidArgument,
	},
	"pushgate.v1.ControlService.ListChannels": {
		need: read, good: &pb.ListChannelsRequest{}, bad: &pb.ListChannelsRequest{PageToken: "?"}, code: codes.InvalidArgument,
	},
	"pushgate.v1.ControlService.GetChannel": {
		need: read, good: &pb.GetChannelRequest{Channel: "news"}, bad: &pb.GetChannelRequest{Channel: "x"}, code: codes.NotFound,
	},
	"pushgate.v1.ControlService.PurgeChannel": {
		need: control, good: &pb.PurgeChannelRequest{Channel: "old"}, bad: &pb.PurgeChannelRequest{Channel: "x"}, code: codes.NotFound,
	},
	"pushgate.v1.ControlService.ListMessages": {
		need: read, good: &pb.ListMessagesRequest{Channel: "news"}, bad: &pb.ListMessagesRequest{Channel: "x"}, code: codes.NotFound,
	},
	"pushgate.v1.ControlService.GetMessage": {need: read, good: bySeq("news", 1), bad: bySeq("news", 2), code: codes.NotFound},
	"pushgate.v1.ControlService.WatchDeliveries": {
		need: read, good: &pb.WatchDeliveriesRequest{}, bad: &pb.WatchDeliveriesRequest{Channel: " "}, code: codes.InvalidArgument, silent: true,
	},
	"pushgate.v1.ControlService.RevokeTokens": {
		need: control, good: &pb.RevokeTokensRequest{Subscriber: "x"}, bad: &pb.RevokeTokensRequest{}, code: codes.InvalidArgument,
	},
	"pushgate.v1.ControlService.ListRevocations": {
		need: read, good: &pb.ListRevocationsRequest{}, bad: &pb.ListRevocationsRequest{PageToken: "?"}, code: codes.InvalidArgument,
	},
	"pushgate.v1.ControlService.GetStats":            {need: read, good: &pb.GetStatsRequest{}},
	"pushgate.v1.ControlService.WatchStats":          {need: read, good: &pb.WatchStatsRequest{}},
	"pushgate.v1.ControlService.Drain":               {need: control, good: &pb.DrainRequest{}},
	"pushgate.v1.ControlService.ReloadConfiguration": {need: control, good: &pb.ReloadConfigurationRequest{}},
	"pushgate.v1.SubscribeService.Subscribe": {
		need: subscribe, good: &pb.SubscribeRequest{Request: &pb.SubscribeRequest_Connect{Connect: &pb.Connect{Subscriber: "alice"}}},
		bad: &pb.SubscribeRequest{}, code: codes.InvalidArgument,
	},

	"grpc.health.v1.Health.Check": {
		need: nothing, good: &healthv1.HealthCheckRequest{}, bad: &healthv1.HealthCheckRequest{Service: "x"}, code: codes.NotFound,
	},
	"grpc.health.v1.Health.List":  {need: nothing, good: &healthv1.HealthListRequest{}},
	"grpc.health.v1.Health.Watch": {need: nothing, good: &healthv1.HealthCheckRequest{}},
	"grpc.reflection.v1.ServerReflection.ServerReflectionInfo": {
		need: somebody, good: &reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}},
	},
	"grpc.reflection.v1alpha.ServerReflection.ServerReflectionInfo": {
		need: somebody, good: &reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}},
	},
}

// methods are all that a node has.
func (n *node) methods() map[protoreflect.FullName]protoreflect.MethodDescriptor {
	n.t.Helper()
	methods := map[protoreflect.FullName]protoreflect.MethodDescriptor{}
	for name, info := range n.server.Services() {
		service := got(protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name)))(n.t).(protoreflect.ServiceDescriptor)
		for _, m := range info.Methods {
			method := service.Methods().ByName(protoreflect.Name(m.Name))
			methods[method.FullName()] = method
		}
	}
	if have, want := slices.Sorted(maps.Keys(every)), slices.Sorted(maps.Keys(methods)); !slices.Equal(have, want) {
		n.t.Fatalf("the table has %q,\nthe node has %q", have, want)
	}
	return methods
}

func pathOf(method protoreflect.MethodDescriptor) string {
	return fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())
}

func TestEveryRPC(t *testing.T) {
	n := start(t)
	methods := n.methods()
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
	path := pathOf(method)
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
