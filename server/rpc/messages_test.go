package rpc_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	pb "pushgate/proto/gen/pushgate/v1"
)

func bySeq(channel string, seq uint64) *pb.GetMessageRequest {
	return &pb.GetMessageRequest{Channel: channel, Key: &pb.GetMessageRequest_Seq{Seq: seq}}
}

func byID(channel, id string) *pb.GetMessageRequest {
	return &pb.GetMessageRequest{Channel: channel, Key: &pb.GetMessageRequest_MessageId{MessageId: id}}
}

func TestReceipts(t *testing.T) {
	n := start(t)
	c := n.open("alice")
	c.subscribe("news")
	n.subscription("bob", "news", "")
	generated := n.send("news", "1").GetMessageId()
	n.subscription("late", "news", "")
	n.send("news", "2")
	c.messages(1, 2)
	c.ack("news", 1)
	c.ping()

	r := got(n.control.GetMessage(patient(t), bySeq("news", 1)))(t)
	d := r.GetDeliveries()
	if len(d) != 2 || d[0].GetSubscriber() != "alice" || !d[0].GetAcked() || d[1].GetSubscriber() != "bob" || d[1].GetAcked() ||
		r.GetSubscriptionCount() != 2 || r.GetAckedCount() != 1 || r.GetMessage().GetMessageId() != generated {
		t.Errorf("receipt of 1: %v", r)
	}
	counts := bySeq("news", 2)
	counts.MaxDeliveries = new(uint32(0))
	if r := got(n.control.GetMessage(patient(t), counts))(t); len(r.GetDeliveries()) != 0 || r.GetSubscriptionCount() != 3 || r.GetAckedCount() != 0 {
		t.Errorf("counts of 2: %v", r)
	}
	if r := got(n.control.GetMessage(patient(t), byID("news", generated)))(t); r.GetMessage().GetSeq() != 1 || string(r.GetMessage().GetData()) != "1" {
		t.Errorf("by id: %v", r)
	}
	list := got(n.control.ListMessages(patient(t), &pb.ListMessagesRequest{Channel: "news", MaxDeliveries: new(uint32(1))}))(t).GetMessages()
	if len(list) != 2 || len(list[1].GetDeliveries()) != 1 || list[1].GetSubscriptionCount() != 3 || list[0].GetAckedCount() != 1 {
		t.Errorf("list: %v", list)
	}
}

func TestGetMessageRefusals(t *testing.T) {
	n := start(t)
	n.send("news", "1")
	for _, r := range []*pb.GetMessageRequest{bySeq("news", 2), bySeq("nothing", 1), byID("news", "nothing")} {
		_, err := n.control.GetMessage(patient(t), r)
		wantCode(t, err, codes.NotFound)
	}
	for _, c := range []struct {
		field   string
		request *pb.GetMessageRequest
	}{
		{"channel", bySeq("", 1)}, {"seq", bySeq("news", 0)}, {"seq", bySeq("news", 1<<63)}, {"key", &pb.GetMessageRequest{Channel: "news"}},
		{"message_id", byID("news", "")}, {"message_id", byID("news", "a\x00")}, {"message_id", byID("news", strings.Repeat("i", 256))},
	} {
		_, err := n.control.GetMessage(patient(t), c.request)
		wantField(t, err, c.field)
	}
}

func TestListMessages(t *testing.T) {
	n := start(t)
	var all []string
	for i := range 7 {
		n.send("news", fmt.Sprint(i))
		all = append(all, fmt.Sprint(i))
	}
	for _, size := range []uint32{0, 1, 2, 7} {
		for after := range 8 {
			pages(t, size, all[after:], func(ctx context.Context, token string) ([]string, string, error) {
				r, err := n.control.ListMessages(ctx, &pb.ListMessagesRequest{Channel: "news", AfterSeq: uint64(after), PageSize: size, PageToken: token})
				var data []string
				for _, m := range r.GetMessages() {
					data = append(data, string(m.GetMessage().GetData()))
				}
				return data, r.GetNextPageToken(), err
			})
		}
	}
	_, err := n.control.ListMessages(patient(t), &pb.ListMessagesRequest{Channel: "nothing"})
	wantCode(t, err, codes.NotFound)
	_, err = n.control.ListMessages(patient(t), &pb.ListMessagesRequest{})
	wantField(t, err, "channel")
	_, err = n.control.ListMessages(patient(t), &pb.ListMessagesRequest{Channel: "news", AfterSeq: 1 << 63})
	wantField(t, err, "after_seq")
	n.subscription("alice", "empty", "")
	if r := got(n.control.ListMessages(patient(t), &pb.ListMessagesRequest{Channel: "empty"}))(t); len(r.GetMessages()) != 0 || r.GetNextPageToken() != "" {
		t.Errorf("an empty channel: %v", r)
	}
}

// A page fits what a client takes by default, whatever it is that makes it large.
func TestListMessagesFitsAClient(t *testing.T) {
	n := start(t)
	for range 8 {
		got(n.publish.Publish(patient(t), &pb.PublishRequest{Channel: "payloads", Data: make([]byte, 1<<20), ContentType: "application/octet-stream"}))(t)
	}
	headers := map[string]string{"h": strings.Repeat("h", 16<<10-1)}
	for range 3 {
		requests := make([]*pb.PublishRequest, 100)
		for i := range requests {
			requests[i] = &pb.PublishRequest{Channel: "headers", Data: []byte("1"), Headers: headers}
		}
		got(n.publish.PublishBatch(patient(t), &pb.PublishBatchRequest{Requests: requests}))(t)
	}
	for channel, want := range map[string]int{"payloads": 8, "headers": 300} {
		listed, calls := 0, 0
		for token, first := "", true; first || token != ""; first = false {
			r := got(n.control.ListMessages(patient(t), &pb.ListMessagesRequest{Channel: channel, PageSize: 1000, PageToken: token}))(t)
			listed, calls, token = listed+len(r.GetMessages()), calls+1, r.GetNextPageToken()
		}
		if listed != want || calls < 2 {
			t.Errorf("%s: %d messages in %d pages, want %d", channel, listed, calls, want)
		}
	}
}
