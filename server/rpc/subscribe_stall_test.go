package rpc_test

import (
	"bytes"
	"context"
	"strconv"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/server/rpc"
)

// A caller that does not read is given up, and loses nothing that it can come
// back for.
func TestStalledSubscriberIsEnded(t *testing.T) {
	n := start(t)
	impatient := rpc.New(n.engine, rpc.Options{WriteStall: 50 * time.Millisecond})
	l := bufconn.Listen(64 << 10)
	served := make(chan error, 1)
	go func() { served <- impatient.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		impatient.Stop(ctx, 0)
		must(t, <-served)
	})
	n.dial = l.DialContext
	n.subscribe = pb.NewSubscribeServiceClient(n.connect())

	c := n.open("ada")
	c.subscribe("news")
	payload := strconv.Quote(string(bytes.Repeat([]byte{'x'}, 64<<10)))
	const messages = 40 // more than the connection's buffers and flow control hold
	for range messages {
		n.send("news", payload)
	}
	eventually(t, "the call is given up", func() bool {
		_, err := n.engine.Connection(c.connected.GetConnection())
		return err != nil
	})
	for {
		if _, err := c.stream.Recv(); err != nil {
			if status.Code(err) != codes.ResourceExhausted {
				t.Fatalf("ended with %v", err)
			}
			break
		}
	}
	again := n.open("ada")
	again.messages(1, messages)
}
