package main_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
)

// What a caller is told of a channel that it may not use is the same whether there is
// such a channel or not, with messages, subscribers and its own old subscription, or
// nothing.
func TestCallersLearnNothingOfForeignChannels(t *testing.T) {
	reader, readerHash := newKey(t)
	shop, shopHash := newKey(t)
	path := configuration(t, "callers:\n  reader: {keys: ["+readerHash+"], subscribe: ['mine:*'], subscribers: [ada]}\n  shop: {keys: ["+shopHash+"], publish: ['mine:*']}\n  admin: {keys: ["+strings.Repeat("0", 64)+"], control: all}\n")
	s := pushgatetest.Start(t, pushgatetest.Command{})
	s.Publish("there", "1")
	s.Publish("mine:1", "1")
	admin, _ := control(t, s)
	must(admin.CreateSubscription(t.Context(), &pb.CreateSubscriptionRequest{Subscriber: "ada", Channel: "there"}))(t)
	s.Stop()
	guarded := pushgatetest.Start(t, pushgatetest.Command{Dir: s.Dir, Args: []string{"--config", path}})
	_, publisher := control(t, guarded)

	stream, err := subscribing(t, guarded).Subscribe(metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+reader))
	if err != nil {
		t.Fatal(err)
	}
	next := func() *pb.SubscribeResponse { t.Helper(); return must(stream.Recv())(t) }
	send := func(r *pb.SubscribeRequest) {
		t.Helper()
		if err := stream.Send(r); err != nil {
			t.Fatal(err)
		}
	}
	send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Connect{Connect: &pb.Connect{Subscriber: "ada"}}})
	if connected := next().GetConnected(); connected == nil || len(connected.GetSubscriptions()) != 0 {
		t.Fatalf("got %v", connected)
	}
	durable, live := true, false
	for name, request := range map[string]func(channel string) *pb.SubscribeRequest{
		"subscribe": func(c string) *pb.SubscribeRequest {
			return &pb.SubscribeRequest{Request: &pb.SubscribeRequest_Subscribe{Subscribe: &pb.Subscribe{Id: 1, Channel: c, Durable: &durable}}}
		},
		"live": func(c string) *pb.SubscribeRequest {
			return &pb.SubscribeRequest{Request: &pb.SubscribeRequest_Subscribe{Subscribe: &pb.Subscribe{Id: 1, Channel: c, Durable: &live}}}
		},
		"from the earliest": func(c string) *pb.SubscribeRequest {
			return &pb.SubscribeRequest{Request: &pb.SubscribeRequest_Subscribe{Subscribe: &pb.Subscribe{Id: 1, Channel: c, From: "earliest"}}}
		},
		"with an epoch": func(c string) *pb.SubscribeRequest {
			return &pb.SubscribeRequest{Request: &pb.SubscribeRequest_Subscribe{Subscribe: &pb.Subscribe{Id: 1, Channel: c, From: "7", Epoch: "x", Durable: &live}}}
		},
		"unsubscribe": func(c string) *pb.SubscribeRequest {
			return &pb.SubscribeRequest{Request: &pb.SubscribeRequest_Unsubscribe{Unsubscribe: &pb.Unsubscribe{Id: 1, Channel: c}}}
		},
		"forget": func(c string) *pb.SubscribeRequest {
			return &pb.SubscribeRequest{Request: &pb.SubscribeRequest_Unsubscribe{Unsubscribe: &pb.Unsubscribe{Id: 1, Channel: c, Forget: true}}}
		},
		"ack": func(c string) *pb.SubscribeRequest {
			return &pb.SubscribeRequest{Request: &pb.SubscribeRequest_Ack{Ack: &pb.Ack{Channel: c, Seq: 1}}}
		},
	} {
		answers := make(map[string]string)
		for _, channel := range []string{"there", "wonot"} {
			send(request(channel))
			answer, err := proto.MarshalOptions{Deterministic: true}.Marshal(next())
			if err != nil {
				t.Fatal(err)
			}
			answers[channel] = strings.ReplaceAll(string(answer), channel, "NAME.")
		}
		if answers["there"] != answers["wonot"] {
			t.Errorf("%s: %q of a channel that is there, %q of one that is not", name, answers["there"], answers["wonot"])
		}
	}
	send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Subscribe{Subscribe: &pb.Subscribe{Id: 2, Channel: "mine:1", From: "earliest"}}})
	if got := next().GetSubscribed(); got == nil {
		t.Error("its own channel is refused too")
	}
	if got := next().GetMessage(); got.GetChannel() != "mine:1" {
		t.Errorf("got %v", got)
	}

	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+shop)
	refusals := make(map[string]string)
	for _, channel := range []string{"there", "wonot"} {
		_, err := publisher.Publish(ctx, &pb.PublishRequest{Channel: channel, Data: []byte("1")})
		batch := must(publisher.PublishBatch(ctx, &pb.PublishBatchRequest{Requests: []*pb.PublishRequest{
			{Channel: "mine:1", Data: []byte("1"), MessageId: channel}, {Channel: channel, Data: []byte("1")},
		}}))(t)
		broadcast := must(publisher.Broadcast(ctx, &pb.BroadcastRequest{Channels: []string{channel}, Data: []byte("1")}))(t)
		if err == nil || batch.GetResults()[0].GetResponse() == nil || batch.GetResults()[1].GetError() == nil || broadcast.GetResults()[0].GetError() == nil {
			t.Fatalf("%s: %v, %v, %v", channel, err, batch, broadcast)
		}
		refusals[channel] = strings.ReplaceAll(err.Error()+batch.GetResults()[1].GetError().GetMessage()+broadcast.GetResults()[0].GetError().GetMessage(), channel, "NAME.")
	}
	if refusals["there"] != refusals["wonot"] {
		t.Errorf("got %q", refusals)
	}
}
