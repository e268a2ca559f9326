package rpc_test

import (
	"strings"
	"testing"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
)

func TestSubscribeMessage(t *testing.T) {
	n := start(t)
	c := n.open("alice")
	if c.connected.GetConnection() == "" || c.connected.GetNode() != "node-1" || c.connected.GetSubscriber() != "alice" || len(c.connected.GetSubscriptions()) != 0 {
		t.Errorf("connected %v", c.connected)
	}
	s := c.subscribe("news")
	if s.GetEpoch() == "" || s.GetSeq() != 0 || s.GetCursor() != 0 || s.GetPending() != 0 {
		t.Errorf("subscribed %v", s)
	}
	p := got(n.publish.Publish(patient(t), &pb.PublishRequest{
		Channel: "news", Data: []byte("\x00\xff"), ContentType: "image/png", Headers: map[string]string{"k": "v"}, MessageId: "m",
	}))(t)
	m := c.message()
	if m.GetChannel() != "news" || m.GetSeq() != 1 || m.GetMessageId() != "m" || string(m.GetData()) != "\x00\xff" ||
		m.GetContentType() != "image/png" || m.GetHeaders()["k"] != "v" || !m.GetPublishTime().AsTime().Equal(p.GetPublishTime().AsTime()) {
		t.Errorf("message %v", m)
	}
}

func TestSubscribeFrom(t *testing.T) {
	n := start(t)
	n.send("news", "1", "2", "3")
	n.send("audit:1", "1", "2")
	for _, c := range []struct {
		name, channel, from    string
		durable                bool
		cursor, pending, first uint64
	}{
		{"the namespace's, new", "news", "", true, 3, 0, 4},
		{"the namespace's, earliest", "audit:1", "cursor", true, 0, 2, 1},
		{"new", "audit:1", "new", true, 2, 0, 3},
		{"earliest", "news", "earliest", true, 0, 3, 1},
		{"a seq", "news", "2", true, 2, 1, 3},
		{"live, as default", "news", "", false, 3, 0, 4},
		{"live, earliest", "news", "earliest", false, 0, 3, 1},
		{"live, a seq", "news", "1", false, 1, 2, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			subscriber := n.open("sub " + c.name)
			options := []func(*pb.Subscribe){from(c.from)}
			if !c.durable {
				options = append(options, live)
			}
			s := subscriber.subscribe(c.channel, options...)
			newest := got(n.control.GetChannel(patient(t), &pb.GetChannelRequest{Channel: c.channel}))(t).GetChannel().GetNewestSeq()
			if s.GetCursor() != c.cursor || s.GetPending() != c.pending || s.GetSeq() != newest {
				t.Errorf("subscribed %v, want cursor %d, pending %d", s, c.cursor, c.pending)
			}
			for want := c.first; want <= newest; want++ {
				if m := subscriber.message(); m.GetSeq() != want {
					t.Fatalf("got %v, want seq %d", m, want)
				}
			}
			subscriber.ping()
			subscriber.leave()
		})
	}
}

func TestSubscribeOfAnotherEpoch(t *testing.T) {
	n := start(t)
	n.send("news", "1", "2")
	c := n.open("")
	c.subscribe("news", from("2"), func(s *pb.Subscribe) { s.Epoch = "another" })
	if gap := c.next().GetGap(); gap.GetChannel() != "news" || gap.GetReason() != pb.GapReason_GAP_REASON_EPOCH {
		t.Errorf("got %v", gap)
	}
	c.messages(1, 2)
}

func TestAckAndReconnect(t *testing.T) {
	n := start(t)
	c := n.open("alice")
	c.subscribe("news")
	n.send("news", "1", "2", "3", "4")
	c.messages(1, 4)
	c.ack("news", 2)
	c.ping()
	c.leave()
	again := n.open("alice")
	restored := again.connected.GetSubscriptions()
	if len(restored) != 1 || restored[0].GetChannel() != "news" || restored[0].GetCursor() != 2 || restored[0].GetPending() != 2 || restored[0].GetSeq() != 4 {
		t.Fatalf("restored %v", restored)
	}
	again.messages(3, 4)
	again.subscribe("news")
	again.ping() // nothing came twice
	without := n.connectAs(&pb.Connect{Subscriber: "alice", Restore: pb.Restore_RESTORE_NONE})
	if len(without.connected.GetSubscriptions()) != 0 {
		t.Errorf("restored %v", without.connected)
	}
	without.ping()
	without.subscribe("news")
	without.messages(3, 4)
}

func TestWindow(t *testing.T) {
	n := start(t)
	c := n.open("alice")
	c.subscribe("news", window(2))
	n.send("news", "1", "2", "3", "4", "5")
	c.messages(1, 2)
	c.ping() // no more
	c.ack("news", 1)
	c.messages(3, 3)
	c.ping()
	c.ack("news", 3)
	c.messages(4, 5)
}

func TestGapAfterPurge(t *testing.T) {
	n := start(t)
	n.subscription("alice", "news", "earliest")
	n.send("news", "1", "2", "3")
	got(n.control.PurgeChannel(patient(t), &pb.PurgeChannelRequest{Channel: "news", UpToSeq: 2}))(t)
	c := n.open("alice")
	gap := c.next().GetGap()
	if gap.GetChannel() != "news" || gap.GetFrom() != 1 || gap.GetTo() != 2 || gap.GetReason() != pb.GapReason_GAP_REASON_PURGED {
		t.Errorf("got %v", gap)
	}
	c.messages(3, 3)
}

func TestUnsubscribe(t *testing.T) {
	n := start(t)
	c := n.open("alice")
	unsubscribe := func(id uint64, forget bool) {
		t.Helper()
		c.send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Unsubscribe{Unsubscribe: &pb.Unsubscribe{Id: id, Channel: "news", Forget: forget}}})
		u := c.next().GetUnsubscribed()
		if u.GetId() != id || u.GetChannel() != "news" || u.GetReason() != pb.UnsubscribeReason_UNSUBSCRIBE_REASON_CLIENT {
			t.Errorf("got %v", u)
		}
	}
	c.subscribe("news")
	unsubscribe(11, false)
	n.send("news", "1")
	c.ping()
	if s := c.subscribe("news"); s.GetPending() != 1 {
		t.Errorf("the cursor was not kept: %v", s)
	}
	c.messages(1, 1)
	unsubscribe(1<<63+1, true)
	if s := c.subscribe("news"); s.GetPending() != 0 {
		t.Errorf("the cursor was not forgotten: %v", s)
	}
}

// A caller that does not read holds no more than its outbox, and loses nothing.
func TestSubscriberThatDoesNotRead(t *testing.T) {
	n := start(t, func(c *push.Config) { c.OutboxBytes = 64 << 10 })
	c := n.open("alice")
	c.subscribe("news", window(4096))
	payload := `"` + strings.Repeat("x", 8<<10) + `"`
	const messages = 200
	for range messages {
		n.send("news", payload)
	}
	view := got(n.control.GetConnection(patient(t), &pb.GetConnectionRequest{Id: c.connected.GetConnection()}))(t).GetConnection()
	if view.GetOutboxBytes() > 128<<10 {
		t.Errorf("%d bytes wait", view.GetOutboxBytes())
	}
	c.messages(1, messages)
}
