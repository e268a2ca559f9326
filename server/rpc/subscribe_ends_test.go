package rpc_test

import (
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/push/wire"
)

func TestSubscribeRefusals(t *testing.T) {
	n := start(t)
	c := n.open("")
	subscribe := func(s *pb.Subscribe) *pb.SubscribeRequest {
		return &pb.SubscribeRequest{Request: &pb.SubscribeRequest_Subscribe{Subscribe: s}}
	}
	for _, r := range []struct {
		request *pb.SubscribeRequest
		id      uint64
		code    codes.Code
	}{
		{&pb.SubscribeRequest{}, 0, codes.InvalidArgument},
		{subscribe(&pb.Subscribe{Id: 1}), 1, codes.InvalidArgument},
		{subscribe(&pb.Subscribe{Id: 2, Channel: "news", From: "+1"}), 2, codes.InvalidArgument},
		{subscribe(&pb.Subscribe{Id: 3, Channel: "news", From: "9007199254740992"}), 3, codes.InvalidArgument},
		{subscribe(&pb.Subscribe{Id: 4, Channel: "news", Window: 4097}), 4, codes.InvalidArgument},
		{subscribe(&pb.Subscribe{Id: 5, Channel: "news", Epoch: strings.Repeat("e", 256)}), 5, codes.InvalidArgument},
		{subscribe(&pb.Subscribe{Id: 6, Channel: "news", Durable: new(true)}), 6, codes.FailedPrecondition},
		{&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Ack{Ack: &pb.Ack{Channel: "news", Seq: 1}}}, 0, codes.FailedPrecondition},
	} {
		c.send(r.request)
		e := c.next().GetError()
		if e.GetId() != r.id || codes.Code(e.GetStatus().GetCode()) != r.code || e.GetStatus().GetMessage() == "" {
			t.Errorf("%v is answered %v", r.request, e)
		}
	}
	c.subscribe("news")
}

func TestConnectRefusals(t *testing.T) {
	n := start(t)
	connect := func(subscriber string) *pb.SubscribeRequest {
		return &pb.SubscribeRequest{Request: &pb.SubscribeRequest_Connect{Connect: &pb.Connect{Subscriber: subscriber}}}
	}
	for name, first := range map[string]*pb.SubscribeRequest{
		"nothing": {}, "another request": {Request: &pb.SubscribeRequest_Ping{Ping: &pb.Ping{}}}, "a bad name": connect(" alice"),
	} {
		stream := got(n.subscribe.Subscribe(patient(t)))(t)
		must(t, stream.Send(first))
		if r, err := stream.Recv(); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s is answered %v, %v", name, r, err)
		}
	}
	silent := got(n.subscribe.Subscribe(patient(t)))(t)
	must(t, silent.CloseSend())
	_, err := silent.Recv()
	wantCode(t, err, codes.InvalidArgument)

	c := n.open("alice")
	c.send(connect("alice"))
	if closing := c.next().GetClosing(); closing.GetCode() != 4400 || closing.GetReconnect() {
		t.Errorf("closing %v", closing)
	}
	_, err = c.stream.Recv()
	wantCode(t, err, codes.InvalidArgument)
}

func TestSubscribeHalfClose(t *testing.T) {
	n := start(t)
	c := n.open("alice")
	c.subscribe("news")
	must(t, c.stream.CloseSend())
	if closing := c.next().GetClosing(); closing.GetCode() != 1000 {
		t.Errorf("closing %v", closing)
	}
	_, err := c.stream.Recv()
	wantEOF(t, err)
	eventually(t, "the session is gone", func() bool { return n.engine.Sessions() == 0 })
}

// The status that a stream ends with says the same as the protocol's close code.
func TestEndStatus(t *testing.T) {
	n := start(t)
	for code, want := range map[wire.CloseCode]codes.Code{
		wire.CloseNormal: codes.OK, wire.CloseGoingAway: codes.Unavailable, wire.CloseTooBig: codes.ResourceExhausted,
		wire.CloseInternal: codes.Internal, wire.CloseProtocol: codes.InvalidArgument, wire.CloseUnauthenticated: codes.Unauthenticated,
		wire.CloseForbidden: codes.PermissionDenied, wire.CloseSlow: codes.ResourceExhausted, wire.CloseRateLimit: codes.ResourceExhausted,
	} {
		c := n.open("")
		n.engine.EachSession(func(s *push.Session) {
			if s.ID() == c.connected.GetConnection() {
				s.End(push.End{Code: code, Reason: "because", Reconnect: code.Reconnect(), RetryAfter: 1500e6})
			}
		})
		closing := c.next().GetClosing()
		if closing.GetCode() != uint32(code) || closing.GetReason() != "because" || closing.GetRetryAfter().AsDuration() != 1500e6 {
			t.Errorf("closing %v", closing)
		}
		_, err := c.stream.Recv()
		if want == codes.OK {
			wantEOF(t, err)
			continue
		}
		st := wantCode(t, err, want)
		if retries := retryOf(st) == 1500e6; st.Message() != "because" || retries != code.Reconnect() {
			t.Errorf("%d ends with %v, %v", code, err, st.Details())
		}
	}
}

func TestSubscribeErrorDetails(t *testing.T) {
	n := start(t, func(c *push.Config) { c.MaxSubscriptions = 1 })
	c := n.open("")
	c.subscribe("a")
	c.send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Subscribe{Subscribe: &pb.Subscribe{Id: 9, Channel: "b"}}})
	if e := c.next().GetError(); codes.Code(e.GetStatus().GetCode()) != codes.ResourceExhausted || e.GetId() != 9 {
		t.Errorf("got %v", e)
	}
	c.send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Subscribe{Subscribe: &pb.Subscribe{Id: 10, Channel: "b", From: "?"}}})
	details := status.FromProto(c.next().GetError().GetStatus()).Details()
	if bad, ok := details[0].(*errdetails.BadRequest); !ok || bad.GetFieldViolations()[0].GetField() != "from" {
		t.Errorf("got %v", details)
	}
}
