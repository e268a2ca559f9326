package rpc_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "pushgate/proto/gen/pushgate/v1"
)

func TestPublish(t *testing.T) {
	n := start(t)
	for want := uint64(1); want <= 3; want++ {
		r := n.send("news", `{"a":1}`)
		if r.GetSeq() != want || r.GetChannel() != "news" || r.GetEpoch() == "" || r.GetMessageId() == "" || r.GetDuplicate() || r.GetPublishTime() == nil {
			t.Fatalf("got %v, want seq %d", r, want)
		}
	}
	m := got(n.publish.Publish(patient(t), &pb.PublishRequest{
		Channel: "news", Data: []byte("hello"), ContentType: "text/plain", Headers: map[string]string{"a": "<1>", "b": "é"}, MessageId: "id-1",
	}))(t)
	stored := got(n.control.GetMessage(patient(t), &pb.GetMessageRequest{
		Channel: "news", Key: &pb.GetMessageRequest_Seq{Seq: m.GetSeq()},
	}))(t).GetMessage()
	if string(stored.GetData()) != "hello" || stored.GetContentType() != "text/plain" || stored.GetMessageId() != "id-1" ||
		stored.GetHeaders()["a"] != "<1>" || stored.GetHeaders()["b"] != "é" || stored.GetEpoch() != m.GetEpoch() ||
		!stored.GetPublishTime().AsTime().Equal(m.GetPublishTime().AsTime()) || stored.GetExpireTime() != nil {
		t.Fatalf("stored %v", stored)
	}
}

func TestPublishRefusals(t *testing.T) {
	n := start(t)
	for _, c := range []struct {
		field   string
		request *pb.PublishRequest
	}{
		{"channel", &pb.PublishRequest{Data: []byte("1")}},
		{"channel", &pb.PublishRequest{Channel: " news", Data: []byte("1")}},
		{"channel", &pb.PublishRequest{Channel: strings.Repeat("c", 256), Data: []byte("1")}},
		{"channel", &pb.PublishRequest{Channel: "a\x00b", Data: []byte("1")}},
		{"data", &pb.PublishRequest{Channel: "news", Data: []byte("{")}},
		{"data", &pb.PublishRequest{Channel: "news"}},
		{"data", &pb.PublishRequest{Channel: "news", Data: make([]byte, 1<<20+1), ContentType: "application/octet-stream"}},
		{"content_type", &pb.PublishRequest{Channel: "news", Data: []byte("1"), ContentType: "plain"}},
		{"headers", &pb.PublishRequest{Channel: "news", Data: []byte("1"), Headers: map[string]string{"": "x"}}},
		{"message_id", &pb.PublishRequest{Channel: "news", Data: []byte("1"), MessageId: strings.Repeat("i", 256)}},
		{"ttl", &pb.PublishRequest{Channel: "news", Data: []byte("1"), Ttl: durationpb.New(-time.Second)}},
		{"ttl", &pb.PublishRequest{Channel: "news", Data: []byte("1"), Ttl: &durationpb.Duration{Seconds: 1, Nanos: -1}}},
	} {
		_, err := n.publish.Publish(patient(t), c.request)
		wantField(t, err, c.field)
	}
	_, err := n.control.GetChannel(patient(t), &pb.GetChannelRequest{Channel: "news"})
	wantCode(t, err, codes.NotFound)
}

func TestPublishSameIDAtOnce(t *testing.T) {
	n := start(t)
	answers := make([]*pb.PublishResponse, 20)
	ready := make(chan struct{})
	var callers sync.WaitGroup
	for i := range answers {
		callers.Go(func() {
			<-ready
			answers[i] = got(n.publish.Publish(patient(t), &pb.PublishRequest{Channel: "orders:1", Data: []byte("1"), MessageId: "once"}))(t)
		})
	}
	close(ready)
	callers.Wait()
	first := slices.IndexFunc(answers, func(a *pb.PublishResponse) bool { return !a.GetDuplicate() })
	for i, a := range answers {
		if a.GetSeq() != 1 || a.GetMessageId() != "once" || a.GetDuplicate() != (i != first) ||
			!a.GetPublishTime().AsTime().Equal(answers[first].GetPublishTime().AsTime()) {
			t.Errorf("answer %d: %v, the first was %v", i, a, answers[first])
		}
	}
	if next := n.send("orders:1", "2"); next.GetSeq() != 2 {
		t.Errorf("the next message has seq %d, want 2", next.GetSeq())
	}
}

func TestPublishTTL(t *testing.T) {
	n := start(t)
	published := got(n.publish.Publish(patient(t), &pb.PublishRequest{
		Channel: "news", Data: []byte("1"), Ttl: durationpb.New(50 * time.Millisecond),
	}))(t)
	key := &pb.GetMessageRequest{Channel: "news", Key: &pb.GetMessageRequest_Seq{Seq: 1}}
	long := got(n.publish.Publish(patient(t), &pb.PublishRequest{
		Channel: "news", Data: []byte("2"), Ttl: durationpb.New(time.Hour),
	}))(t)
	kept := got(n.control.GetMessage(patient(t), &pb.GetMessageRequest{Channel: "news", Key: &pb.GetMessageRequest_Seq{Seq: 2}}))(t)
	if life := kept.GetMessage().GetExpireTime().AsTime().Sub(long.GetPublishTime().AsTime()); life != time.Hour {
		t.Errorf("the message lives for %s, want 1h", life)
	}
	eventually(t, "the message expires", func() bool {
		_, err := n.control.GetMessage(patient(t), key)
		return err != nil
	})
	if age := time.Since(published.GetPublishTime().AsTime()); age < 50*time.Millisecond {
		t.Errorf("expired after %s", age)
	}
	_, err := n.control.GetMessage(patient(t), key)
	wantCode(t, err, codes.NotFound)
}

func TestPublishEphemeral(t *testing.T) {
	n := start(t)
	c := n.open("alice")
	c.subscribe("news")
	c.subscribe("chat:1")
	for _, r := range []*pb.PublishRequest{
		{Channel: "news", Data: []byte(`"e"`), Ephemeral: true, MessageId: "mine"},
		{Channel: "chat:1", Data: []byte(`"e"`)},
	} {
		a := got(n.publish.Publish(patient(t), r))(t)
		if a.GetSeq() != 0 || a.GetEpoch() != "" || a.GetMessageId() == "" || a.GetDuplicate() {
			t.Errorf("%s: %v", r.GetChannel(), a)
		}
		m := c.message()
		if m.GetChannel() != r.GetChannel() || m.GetSeq() != 0 || string(m.GetData()) != `"e"` || m.GetMessageId() != a.GetMessageId() {
			t.Errorf("delivered %v", m)
		}
	}
	if ch := got(n.control.GetChannel(patient(t), &pb.GetChannelRequest{Channel: "chat:1"}))(t).GetChannel(); ch.GetNewestSeq() != 0 || ch.GetOnline() != 1 {
		t.Errorf("a channel with nothing stored: %v", ch)
	}
}
