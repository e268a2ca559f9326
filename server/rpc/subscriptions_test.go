package rpc_test

import (
	"context"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"

	pb "pushgate/proto/gen/pushgate/v1"
)

func TestCreateSubscription(t *testing.T) {
	n := start(t)
	n.send("news", "1", "2", "3")
	n.send("audit:1", "1", "2")
	for i, c := range []struct {
		channel, from string
		cursor        uint64
	}{
		{"news", "", 3}, {"news", "cursor", 3}, {"news", "new", 3}, {"news", "earliest", 0}, {"news", "2", 2}, {"news", "99", 3},
		{"audit:1", "", 0}, {"audit:1", "new", 2}, {"nothing yet", "", 0},
	} {
		subscriber := fmt.Sprint("s", i)
		s := n.subscription(subscriber, c.channel, c.from)
		if s.GetSubscriber() != subscriber || s.GetChannel() != c.channel || s.GetCursor() != c.cursor || s.GetStartSeq() != c.cursor ||
			s.GetEpoch() == "" || s.GetOnline() || s.GetCreateTime() == nil || (s.GetPending() > 0) != (s.GetOldestPendingAge() != nil) {
			t.Errorf("from %q: %v", c.from, s)
		}
	}
	again := got(n.control.CreateSubscription(patient(t), &pb.CreateSubscriptionRequest{Subscriber: "s0", Channel: "news", From: "earliest"}))(t)
	if again.GetCreated() || again.GetSubscription().GetCursor() != 3 {
		t.Errorf("created twice: %v", again)
	}
	for field, r := range map[string]*pb.CreateSubscriptionRequest{
		"subscriber": {Channel: "news"}, "channel": {Subscriber: "alice"}, "from": {Subscriber: "alice", Channel: "news", From: "-1"},
	} {
		_, err := n.control.CreateSubscription(patient(t), r)
		wantField(t, err, field)
	}
	_, err := n.control.CreateSubscription(patient(t), &pb.CreateSubscriptionRequest{Subscriber: "alice", Channel: "chat:1"})
	wantCode(t, err, codes.FailedPrecondition)
}

// What a backend does to a subscription is felt on the open connection at once.
func TestSubscriptionOfAnOpenConnection(t *testing.T) {
	n := start(t)
	n.send("news", "1")
	c := n.open("alice")
	if s := n.subscription("alice", "news", "earliest"); !s.GetOnline() || s.GetPending() != 1 {
		t.Errorf("created %v", s)
	}
	if s := c.next().GetSubscribed(); s.GetId() != 0 || s.GetChannel() != "news" {
		t.Errorf("subscribed %v", s)
	}
	c.messages(1, 1)
	key := &pb.DeleteSubscriptionRequest{Subscriber: "alice", Channel: "news"}
	if r := got(n.control.DeleteSubscription(patient(t), key))(t); !r.GetExisted() {
		t.Error("it did not exist")
	}
	if u := c.next().GetUnsubscribed(); u.GetChannel() != "news" || u.GetReason() != pb.UnsubscribeReason_UNSUBSCRIBE_REASON_SERVER {
		t.Errorf("unsubscribed %v", u)
	}
	if r := got(n.control.DeleteSubscription(patient(t), key))(t); r.GetExisted() {
		t.Error("it still existed")
	}
	_, err := n.control.DeleteSubscription(patient(t), &pb.DeleteSubscriptionRequest{Subscriber: "alice"})
	wantField(t, err, "channel")
	_, err = n.control.DeleteSubscription(patient(t), &pb.DeleteSubscriptionRequest{Channel: "news"})
	wantField(t, err, "subscriber")
}

func TestListSubscriptions(t *testing.T) {
	n := start(t)
	var want, ofOne, toOne []string
	for _, subscriber := range []string{"a", "b", "c"} {
		for _, channel := range []string{"x", "y"} {
			n.subscription(subscriber, channel, "")
			name := subscriber + channel
			want = append(want, name)
			if subscriber == "b" {
				ofOne = append(ofOne, name)
			}
			if channel == "y" {
				toOne = append(toOne, name)
			}
		}
	}
	for _, filter := range []struct {
		subscriber, channel string
		want                []string
	}{{"", "", want}, {"b", "", ofOne}, {"", "y", toOne}, {"b", "y", []string{"by"}}, {"d", "", nil}} {
		for _, size := range []uint32{0, 1, 2, 3, 6, 4_000_000_000} {
			pages(t, size, filter.want, func(ctx context.Context, token string) ([]string, string, error) {
				r, err := n.control.ListSubscriptions(ctx, &pb.ListSubscriptionsRequest{
					Subscriber: filter.subscriber, Channel: filter.channel, PageSize: size, PageToken: token,
				})
				var names []string
				for _, s := range r.GetSubscriptions() {
					names = append(names, s.GetSubscriber()+s.GetChannel())
				}
				return names, r.GetNextPageToken(), err
			})
		}
	}
	_, err := n.control.ListSubscriptions(patient(t), &pb.ListSubscriptionsRequest{Subscriber: " "})
	wantField(t, err, "subscriber")
	_, err = n.control.ListSubscriptions(patient(t), &pb.ListSubscriptionsRequest{Channel: " "})
	wantField(t, err, "channel")
}
