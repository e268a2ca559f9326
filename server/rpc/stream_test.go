package rpc_test

import (
	"context"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"

	pb "pushgate/proto/gen/pushgate/v1"
)

func item(correlation uint64, channel, data string) *pb.PublishStreamRequest {
	return &pb.PublishStreamRequest{CorrelationId: correlation, Request: &pb.PublishRequest{Channel: channel, Data: []byte(data)}}
}

func TestPublishStream(t *testing.T) {
	const messages, channels = 5000, 10
	n := start(t)
	stream := got(n.publish.PublishStream(patient(t)))(t)
	sent := make(chan error, 1)
	go func() {
		for i := range uint64(messages) {
			if err := stream.Send(item(i, fmt.Sprintf("c%d", i%channels), fmt.Sprint(i))); err != nil {
				sent <- err
				return
			}
		}
		sent <- stream.CloseSend()
	}()
	newest := map[string]uint64{}
	answered := map[uint64]bool{}
	for range messages {
		r := receive(t, stream)
		a := r.GetResponse()
		channel := fmt.Sprintf("c%d", r.GetCorrelationId()%channels)
		newest[channel]++
		if answered[r.GetCorrelationId()] || a.GetChannel() != channel || a.GetSeq() != newest[channel] || a.GetSeq() != r.GetCorrelationId()/channels+1 {
			t.Fatalf("got %v, want seq %d", r, newest[channel])
		}
		answered[r.GetCorrelationId()] = true
	}
	must(t, <-sent)
	_, err := stream.Recv()
	wantEOF(t, err)
}

func TestPublishStreamBadItems(t *testing.T) {
	n := start(t)
	stream := got(n.publish.PublishStream(patient(t)))(t)
	for _, r := range []*pb.PublishStreamRequest{{CorrelationId: 7}, item(8, "news", "{"), item(9, "news", "1")} {
		must(t, stream.Send(r))
	}
	missing := receive(t, stream)
	wantItemField(t, missing.GetError(), "request")
	bad := receive(t, stream)
	wantItemField(t, bad.GetError(), "data")
	good := receive(t, stream)
	if missing.GetCorrelationId() != 7 || bad.GetCorrelationId() != 8 || good.GetCorrelationId() != 9 || good.GetResponse().GetSeq() != 1 {
		t.Errorf("answers %v, %v, %v", missing, bad, good)
	}
}

// A half-closed stream is answered in full, even when nothing was committed when
// it was closed.
func TestPublishStreamHalfClose(t *testing.T) {
	n := start(t)
	n.store.hold()
	stream := got(n.publish.PublishStream(patient(t)))(t)
	for i := range uint64(100) {
		must(t, stream.Send(item(i, "news", "1")))
	}
	must(t, stream.CloseSend())
	<-n.store.blocked
	n.store.release()
	for want := uint64(1); want <= 100; want++ {
		if r := receive(t, stream); r.GetResponse().GetSeq() != want || r.GetCorrelationId() != want-1 {
			t.Fatalf("got %v, want seq %d", r, want)
		}
	}
	_, err := stream.Recv()
	wantEOF(t, err)
}

// No more than 2,048 messages of a stream are taken in before they are answered.
func TestPublishStreamIsBounded(t *testing.T) {
	n := start(t)
	n.store.hold()
	ctx, cancel := context.WithCancel(patient(t))
	defer cancel()
	stream := got(n.publish.PublishStream(ctx))(t)
	const total = 5000
	go func() {
		for i := range uint64(total) {
			if stream.Send(item(i, "news", "1")) != nil {
				return
			}
		}
	}()
	committing := <-n.store.blocked
	waiting := func() int { return committing + int(n.engine.Stats().PendingPublishes) }
	eventually(t, "the bound is reached", func() bool { return waiting() >= 2048 })
	if taken := waiting(); taken > 2048 {
		t.Errorf("%d messages were taken in", taken)
	}
	n.store.release()
	for want := uint64(1); want <= total; want++ {
		if r := receive(t, stream); r.GetResponse().GetSeq() != want {
			t.Fatalf("got %v, want seq %d", r, want)
		}
	}
}

func TestPublishStreamCancel(t *testing.T) {
	n := start(t)
	n.store.hold()
	ctx, cancel := context.WithCancel(patient(t))
	stream := got(n.publish.PublishStream(ctx))(t)
	for i := range uint64(10) {
		must(t, stream.Send(item(i, "news", "1")))
	}
	<-n.store.blocked
	cancel()
	_, err := stream.Recv()
	wantCode(t, err, codes.Canceled)
}

// A stop answers what is under way, and sends the caller elsewhere.
func TestPublishStreamStop(t *testing.T) {
	n := start(t)
	n.store.hold()
	stream := got(n.publish.PublishStream(patient(t)))(t)
	must(t, stream.Send(item(1, "news", "1")))
	<-n.store.blocked
	stopped := n.stop()
	n.store.release()
	if r := receive(t, stream); r.GetCorrelationId() != 1 || r.GetResponse().GetSeq() != 1 {
		t.Errorf("got %v", r)
	}
	_, err := stream.Recv()
	if retry := retryOf(wantCode(t, err, codes.Unavailable)); retry <= 0 {
		t.Errorf("no retry: %v", err)
	}
	<-stopped
}
