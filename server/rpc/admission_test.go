package rpc_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/server/admission"
)

// refusedAs connects a subscriber that is not let in.
func (n *node) refusedAs(subscriber, message string) {
	n.t.Helper()
	stream := got(n.subscribe.Subscribe(patient(n.t)))(n.t)
	must(n.t, stream.Send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Connect{Connect: &pb.Connect{Subscriber: subscriber}}}))
	_, err := stream.Recv()
	st := wantCode(n.t, err, codes.ResourceExhausted)
	if retry := retryOf(st); retry < time.Second || retry > 5*time.Second || st.Message() != "server busy: "+message {
		n.t.Errorf("refused with %v, %v", err, retry)
	}
}

func TestSubscribersHaveLimits(t *testing.T) {
	n := start(t)
	n.gate.SetLimits(admission.Limits{Connections: 2, PerSubscriber: 1, PerAddress: 1})
	ada := n.open("ada")
	n.refusedAs("ada", "this subscriber has as many connections as it may")
	grace := n.open("grace")
	n.refusedAs("eve", "there are as many connections as the node holds")
	n.send("news", `1`) // publishers have other limits
	grace.leave()
	eventually(t, "there is a place again", func() bool { return n.gate.Open() == 1 })
	n.open("eve")
	ada.leave()
	eventually(t, "there is a place again", func() bool { return n.gate.Open() == 1 })
	n.open("ada")
}

// Who was not connected has no place either.
func TestRefusedSubscribersTakeNoPlace(t *testing.T) {
	n := start(t)
	stream := got(n.subscribe.Subscribe(patient(t)))(t)
	must(t, stream.Send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Connect{Connect: &pb.Connect{Subscriber: " "}}}))
	_, err := stream.Recv()
	wantCode(t, err, codes.InvalidArgument)
	eventually(t, "the place is free", func() bool { return n.gate.Open() == 0 })
}
