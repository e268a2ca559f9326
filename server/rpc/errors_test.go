package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/store"
)

var publication = &pb.PublishRequest{Channel: "news", Data: []byte("1")}

func TestStoreUnavailable(t *testing.T) {
	n := start(t)
	n.store.fail(fmt.Errorf("dial tcp 10.0.0.1: password wrong: %w", store.ErrUnavailable))
	_, publish := n.publish.Publish(patient(t), publication)
	_, list := n.control.ListChannels(patient(t), &pb.ListChannelsRequest{})
	stream := got(n.subscribe.Subscribe(patient(t)))(t)
	must(t, stream.Send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Connect{Connect: &pb.Connect{Subscriber: "alice"}}}))
	_, connect := stream.Recv()
	batch := got(n.publish.PublishBatch(patient(t), &pb.PublishBatchRequest{Requests: []*pb.PublishRequest{publication}}))(t)
	for _, err := range []error{publish, list, connect, status.FromProto(batch.GetResults()[0].GetError()).Err()} {
		st := wantCode(t, err, codes.Unavailable)
		if retryOf(st) <= 0 || strings.Contains(st.Message(), "password") {
			t.Errorf("got %v with %v", err, st.Details())
		}
	}
	n.store.heal()
	n.send("news", "1")
}

func TestInternalErrorsAreNotShown(t *testing.T) {
	n := start(t)
	n.store.fail(errors.New(`syntax error at "SELECT secret"`))
	_, publish := n.publish.Publish(patient(t), publication)
	_, list := n.control.ListChannels(patient(t), &pb.ListChannelsRequest{})
	for _, err := range []error{publish, list} {
		if st := wantCode(t, err, codes.Internal); st.Message() != "internal error" || len(st.Details()) != 0 {
			t.Errorf("got %v", err)
		}
	}
	if !strings.Contains(n.log.String(), "SELECT secret") {
		t.Error("the error is not in the log")
	}
}

func TestPanicIsOneCallsAffair(t *testing.T) {
	n := start(t)
	n.store.panics.Store(true)
	_, err := n.control.ListChannels(patient(t), &pb.ListChannelsRequest{})
	if st := wantCode(t, err, codes.Internal); st.Message() != "internal error" {
		t.Errorf("got %v", err)
	}
	if log := n.log.String(); !strings.Contains(log, "ListChannels") || !strings.Contains(log, "faulty_test.go") {
		t.Errorf("the log says %q", log)
	}
	n.store.panics.Store(false)
	got(n.control.ListChannels(patient(t), &pb.ListChannelsRequest{}))(t)
}

func TestQueueFull(t *testing.T) {
	n := start(t, func(c *push.Config) { c.Committers, c.IngestMessages = 1, 1 })
	n.store.hold()
	answers := make(chan error, 2)
	publish := func() {
		_, err := n.publish.Publish(patient(t), publication)
		answers <- err
	}
	go publish()
	<-n.store.blocked
	go publish()
	eventually(t, "the queue is full", func() bool { return n.engine.Stats().PendingPublishes == 1 })
	_, err := n.publish.Publish(patient(t), publication)
	if retryOf(wantCode(t, err, codes.ResourceExhausted)) <= 0 {
		t.Errorf("no retry: %v", err)
	}
	n.store.release()
	must(t, <-answers)
	must(t, <-answers)
}

func TestDeadlineOfTheCaller(t *testing.T) {
	n := start(t)
	n.store.hold()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := n.publish.Publish(ctx, publication)
	wantCode(t, err, codes.DeadlineExceeded)
	// The server learns of it by its own clock or from the caller, whichever is first.
	ended := func(code string) float64 {
		return n.metric("pushgate_grpc_requests_total", "pushgate.v1.PublishService/Publish", code)
	}
	eventually(t, "the call ends", func() bool { return ended("DeadlineExceeded")+ended("Canceled") == 1 })
}
