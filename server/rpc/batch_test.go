package rpc_test

import (
	"context"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"

	pb "pushgate/proto/gen/pushgate/v1"
)

func TestPublishBatch(t *testing.T) {
	n := start(t)
	var requests []*pb.PublishRequest
	for i := range 600 {
		r := &pb.PublishRequest{Channel: fmt.Sprintf("c%d", i%3), Data: fmt.Append(nil, i)}
		if i%100 == 50 {
			r.Data = []byte("{")
		}
		if i%100 == 51 {
			r.Channel = ""
		}
		requests = append(requests, r)
	}
	results := got(n.publish.PublishBatch(patient(t), &pb.PublishBatchRequest{Requests: requests}))(t).GetResults()
	if len(results) != len(requests) {
		t.Fatalf("%d results", len(results))
	}
	newest := map[string]uint64{}
	for i, r := range results {
		switch i % 100 {
		case 50:
			wantItemField(t, r.GetError(), "data")
		case 51:
			wantItemField(t, r.GetError(), "channel")
		default:
			channel := requests[i].GetChannel()
			newest[channel]++
			if a := r.GetResponse(); a.GetChannel() != channel || a.GetSeq() != newest[channel] {
				t.Fatalf("item %d: %v, want seq %d in %s", i, r, newest[channel], channel)
			}
		}
	}
}

func TestBatchSize(t *testing.T) {
	n := start(t)
	_, err := n.publish.PublishBatch(patient(t), &pb.PublishBatchRequest{})
	wantField(t, err, "requests")
	_, err = n.publish.PublishBatch(patient(t), &pb.PublishBatchRequest{Requests: make([]*pb.PublishRequest, 10_001)})
	wantField(t, err, "requests")
	_, err = n.publish.Broadcast(patient(t), &pb.BroadcastRequest{Data: []byte("1")})
	wantField(t, err, "channels")
	_, err = n.publish.Broadcast(patient(t), &pb.BroadcastRequest{Channels: make([]string, 10_001), Data: []byte("1")})
	wantField(t, err, "channels")
	missing := got(n.publish.PublishBatch(patient(t), &pb.PublishBatchRequest{Requests: make([]*pb.PublishRequest, 10_000)}))(t)
	for _, r := range missing.GetResults() {
		wantItemField(t, r.GetError(), "channel")
	}
}

func TestBatchOfACallerThatLeft(t *testing.T) {
	n := start(t)
	n.store.hold()
	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error, 1)
	go func() {
		_, err := n.publish.PublishBatch(ctx, &pb.PublishBatchRequest{Requests: []*pb.PublishRequest{{Channel: "news", Data: []byte("1")}}})
		failed <- err
	}()
	<-n.store.blocked
	cancel()
	wantCode(t, <-failed, codes.Canceled)
}

func TestBroadcast(t *testing.T) {
	n := start(t)
	n.send("b", "0")
	request := &pb.BroadcastRequest{
		Channels: []string{"a", "b", "", "a", "chat:1"}, Data: []byte(`{"x":1}`), Headers: map[string]string{"h": "v"}, MessageId: "all",
	}
	results := got(n.publish.Broadcast(patient(t), request))(t).GetResults()
	for i, want := range []struct {
		seq       uint64
		duplicate bool
	}{{1, false}, {2, false}, {}, {1, true}, {0, false}} {
		if i == 2 {
			wantItemField(t, results[i].GetError(), "channel")
			continue
		}
		a := results[i].GetResponse()
		if a.GetChannel() != request.GetChannels()[i] || a.GetSeq() != want.seq || a.GetDuplicate() != want.duplicate || a.GetMessageId() != "all" {
			t.Errorf("item %d: %v", i, results[i])
		}
	}
	request.MessageId = ""
	request.Channels = []string{"a", "a"}
	results = got(n.publish.Broadcast(patient(t), request))(t).GetResults()
	first, second := results[0].GetResponse(), results[1].GetResponse()
	if first.GetSeq() != 2 || second.GetSeq() != 3 || first.GetMessageId() == second.GetMessageId() {
		t.Errorf("twice without an id: %v", results)
	}
}
