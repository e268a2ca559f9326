package crashtest

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
)

// node is a process of the program and a backend's connection to it. The
// addresses may be read while the process is started again.
type node struct {
	*pushgatetest.Server
	t       *testing.T
	http    string
	socket  string
	conn    *grpc.ClientConn
	publish pb.PublishServiceClient
	control pb.ControlServiceClient
}

func start(t *testing.T, args ...string) *node {
	t.Helper()
	return dialNode(t, pushgatetest.Start(t, pushgatetest.Command{Args: args}))
}

func dialNode(t *testing.T, server *pushgatetest.Server) *node {
	t.Helper()
	conn, err := grpc.NewClient(server.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 10 * time.Millisecond, Multiplier: 1.5, MaxDelay: 100 * time.Millisecond},
			MinConnectTimeout: 5 * time.Second,
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &node{
		Server: server, t: t, http: "http://" + server.HTTP, socket: server.WebSocket,
		conn: conn, publish: pb.NewPublishServiceClient(conn), control: pb.NewControlServiceClient(conn),
	}
}

// limited is a context for one call of a test.
func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), pushgatetest.Patience)
	t.Cleanup(cancel)
	return ctx
}

// subscription gives a subscriber a durable subscription to all of a channel.
func (n *node) subscription(subscriber string, channels ...string) {
	n.t.Helper()
	for _, channel := range channels {
		_, err := n.control.CreateSubscription(limited(n.t), &pb.CreateSubscriptionRequest{Subscriber: subscriber, Channel: channel, From: "earliest"}, grpc.WaitForReady(true))
		if err != nil {
			n.t.Fatal(err)
		}
	}
}

// send publishes one message, and answers its seq.
func (n *node) send(channel, data string) uint64 {
	n.t.Helper()
	r, err := n.publish.Publish(limited(n.t), &pb.PublishRequest{Channel: channel, Data: []byte(data)}, grpc.WaitForReady(true))
	if err != nil {
		n.t.Fatal(err)
	}
	return r.GetSeq()
}

// newest is the newest seq of a channel.
func (n *node) newest(channel string) uint64 {
	n.t.Helper()
	return n.channel(channel).GetNewestSeq()
}

func (n *node) channel(name string) *pb.Channel {
	n.t.Helper()
	r, err := n.control.GetChannel(limited(n.t), &pb.GetChannelRequest{Channel: name}, grpc.WaitForReady(true))
	if err != nil {
		n.t.Fatal(err)
	}
	return r.GetChannel()
}
