package rpc_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "pushgate/proto/gen/pushgate/v1"
)

func TestStats(t *testing.T) {
	n := start(t)
	stats := func() *pb.Stats { return got(n.control.GetStats(patient(t), &pb.GetStatsRequest{}))(t).GetStats() }
	first := stats()
	if first.GetNode() != "node-1" || first.GetVersion() != "1.2.3" || first.GetStore().GetDriver() != "sqlite" || !first.GetStore().GetAvailable() ||
		first.GetStartTime() == nil || first.GetTime().AsTime().Before(first.GetStartTime().AsTime()) || first.GetDraining() || first.GetPublishes() != 0 {
		t.Errorf("at first: %v", first)
	}
	n.subscription("alice", "news", "")
	n.send("news", "1") // backlog
	c := n.open("alice")
	c.messages(1, 1)
	c.subscribe("chat:1")
	n.send("news", "2")
	c.messages(2, 2)
	for range 2 {
		got(n.publish.Publish(patient(t), &pb.PublishRequest{Channel: "news", Data: []byte("3"), MessageId: "m"}))(t)
	}
	c.messages(3, 3)
	n.send("chat:1", "1")
	c.message()
	_, err := n.publish.Publish(patient(t), &pb.PublishRequest{Channel: "news", Data: []byte("{")})
	wantField(t, err, "data")
	c.ack("news", 2)
	c.ack("news", 1)
	c.ping()
	n.server.BeginDrain()
	s := stats()
	if s.GetConnections() != 1 || s.GetSubscriptions() != 2 || s.GetChannels() != 2 || s.GetPublishes() != 6 || s.GetStored() != 3 ||
		s.GetDuplicates() != 1 || s.GetEphemeral() != 1 || s.GetFailed() != 1 || s.GetAcks() != 1 || s.GetGaps() != 0 || !s.GetDraining() {
		t.Errorf("then: %v", s)
	}
	if s.GetDeliveredLive()+s.GetDeliveredBacklog() != 4 || s.GetDeliveredBacklog() == 0 {
		t.Errorf("delivered %d live, %d from the backlog", s.GetDeliveredLive(), s.GetDeliveredBacklog())
	}
}

func TestWatchStats(t *testing.T) {
	n := start(t)
	stream := got(n.control.WatchStats(patient(t), &pb.WatchStatsRequest{Interval: durationpb.New(100 * time.Millisecond)}))(t)
	n.send("news", "1")
	last := receive(t, stream).GetStats()
	for range 2 {
		next := receive(t, stream).GetStats()
		if !next.GetTime().AsTime().After(last.GetTime().AsTime()) {
			t.Errorf("%v after %v", next, last)
		}
		last = next
	}
	if last.GetStored() != 1 {
		t.Errorf("got %v", last)
	}
	for _, interval := range []*durationpb.Duration{durationpb.New(99 * time.Millisecond), durationpb.New(61 * time.Minute), durationpb.New(-1), {Seconds: 1, Nanos: -1}} {
		bad := got(n.control.WatchStats(patient(t), &pb.WatchStatsRequest{Interval: interval}))(t)
		_, err := bad.Recv()
		wantField(t, err, "interval")
	}
}
