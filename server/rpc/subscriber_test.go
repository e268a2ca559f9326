package rpc_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"

	pb "pushgate/proto/gen/pushgate/v1"
)

// client is one Subscribe call.
type client struct {
	t         testing.TB
	stream    grpc.BidiStreamingClient[pb.SubscribeRequest, pb.SubscribeResponse]
	connected *pb.Connected
	cancel    context.CancelFunc
	node      *node
	requests  uint64
}

// open connects a subscriber and takes the first response.
func (n *node) open(subscriber string) *client {
	n.t.Helper()
	return n.connectAs(&pb.Connect{Subscriber: subscriber})
}

func (n *node) connectAs(connect *pb.Connect) *client {
	n.t.Helper()
	ctx, cancel := context.WithCancel(patient(n.t))
	n.t.Cleanup(cancel)
	c := &client{t: n.t, stream: got(n.subscribe.Subscribe(ctx))(n.t), cancel: cancel, node: n}
	c.send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Connect{Connect: connect}})
	if c.connected = c.next().GetConnected(); c.connected == nil {
		n.t.Fatal("the first response is not connected")
	}
	return c
}

func (c *client) send(r *pb.SubscribeRequest) {
	c.t.Helper()
	must(c.t, c.stream.Send(r))
}

func (c *client) next() *pb.SubscribeResponse {
	c.t.Helper()
	return receive(c.t, c.stream)
}

// leave breaks the call off, and waits until the server has noticed.
func (c *client) leave() {
	c.t.Helper()
	c.cancel()
	eventually(c.t, "the connection is gone", func() bool {
		_, err := c.node.engine.Connection(c.connected.GetConnection())
		return err != nil
	})
}

// subscribe opens a subscription, which is answered next.
func (c *client) subscribe(channel string, change ...func(*pb.Subscribe)) *pb.Subscribed {
	c.t.Helper()
	c.requests++
	s := &pb.Subscribe{Id: c.requests, Channel: channel}
	for _, f := range change {
		f(s)
	}
	c.send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Subscribe{Subscribe: s}})
	r := c.next()
	if r.GetSubscribed().GetId() != c.requests || r.GetSubscribed().GetChannel() != channel {
		c.t.Fatalf("got %v, want subscribed to %s with id %d", r, channel, c.requests)
	}
	return r.GetSubscribed()
}

func (c *client) message() *pb.Message {
	c.t.Helper()
	r := c.next()
	if r.GetMessage() == nil {
		c.t.Fatalf("got %v, want a message", r)
	}
	return r.GetMessage()
}

// messages takes messages with the seqs from first to last.
func (c *client) messages(first, last uint64) {
	c.t.Helper()
	for want := first; want <= last; want++ {
		if m := c.message(); m.GetSeq() != want {
			c.t.Fatalf("got %v, want seq %d", m, want)
		}
	}
}

func (c *client) ack(channel string, seq uint64) {
	c.t.Helper()
	c.send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Ack{Ack: &pb.Ack{Channel: channel, Seq: seq}}})
}

// ping makes sure that everything before it was worked on, and nothing came of it.
func (c *client) ping() {
	c.t.Helper()
	c.requests++
	c.send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Ping{Ping: &pb.Ping{Id: c.requests}}})
	if r := c.next(); r.GetPong().GetId() != c.requests {
		c.t.Fatalf("got %v, want pong %d", r, c.requests)
	}
}

func from(where string) func(*pb.Subscribe) {
	return func(s *pb.Subscribe) { s.From = where }
}

func window(messages uint32) func(*pb.Subscribe) {
	return func(s *pb.Subscribe) { s.Window = messages }
}

func live(s *pb.Subscribe) { s.Durable = new(false) }
