package rpc_test

import (
	"testing"

	pb "pushgate/proto/gen/pushgate/v1"
)

func TestWatchDeliveries(t *testing.T) {
	n := start(t)
	n.send("news", "1", "2")
	n.send("other", "1")
	for _, subscriber := range []string{"alice", "bob"} {
		for _, channel := range []string{"news", "other"} {
			n.subscription(subscriber, channel, "earliest")
		}
	}
	type ack struct {
		subscriber, channel string
		seq                 uint64
	}
	acks := []ack{{"bob", "other", 1}, {"alice", "other", 1}, {"bob", "news", 1}, {"alice", "news", 1}, {"alice", "news", 2}}
	watches := map[string]*pb.WatchDeliveriesRequest{
		"all": {}, "alice": {Subscriber: "alice"}, "news": {Channel: "news"}, "alice's news": {Subscriber: "alice", Channel: "news"},
	}
	type stream interface {
		Recv() (*pb.WatchDeliveriesResponse, error)
	}
	streams := map[string]stream{}
	for name, r := range watches {
		s := got(n.control.WatchDeliveries(patient(t), r))(t)
		got(s.Header())(t) // from here on nothing is missed
		streams[name] = s
	}
	clients := map[string]*client{}
	for _, subscriber := range []string{"alice", "bob"} {
		clients[subscriber] = n.connectAs(&pb.Connect{Subscriber: subscriber})
		for range 3 {
			clients[subscriber].message()
		}
	}
	for _, a := range acks {
		clients[a.subscriber].ack(a.channel, a.seq)
		clients[a.subscriber].ping()
		for name, s := range streams {
			r := watches[name]
			if r.GetSubscriber() != "" && r.GetSubscriber() != a.subscriber || r.GetChannel() != "" && r.GetChannel() != a.channel {
				continue
			}
			d := receive(t, s)
			if d.GetSubscriber() != a.subscriber || d.GetChannel() != a.channel || d.GetAckedSeq() != a.seq || d.GetAckTime() == nil {
				t.Errorf("%s: %v, want %v", name, d, a)
			}
		}
	}
	bad := got(n.control.WatchDeliveries(patient(t), &pb.WatchDeliveriesRequest{Channel: " "}))(t)
	_, err := bad.Recv()
	wantField(t, err, "channel")
	bad = got(n.control.WatchDeliveries(patient(t), &pb.WatchDeliveriesRequest{Subscriber: " "}))(t)
	_, err = bad.Recv()
	wantField(t, err, "subscriber")
}
