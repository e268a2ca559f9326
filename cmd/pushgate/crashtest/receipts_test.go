package crashtest

import (
	"testing"

	"google.golang.org/grpc"

	pb "pushgate/proto/gen/pushgate/v1"
)

// receipts are the acks of a channel, as a backend sees them.
type receipts struct {
	t     *testing.T
	watch grpc.ServerStreamingClient[pb.WatchDeliveriesResponse]
}

// watchDeliveries watches from now on.
func (n *node) watchDeliveries(channel string) *receipts {
	n.t.Helper()
	watch, err := n.control.WatchDeliveries(limited(n.t), &pb.WatchDeliveriesRequest{Channel: channel}, grpc.WaitForReady(true))
	if err != nil {
		n.t.Fatal(err)
	}
	if _, err := watch.Header(); err != nil {
		n.t.Fatal(err)
	}
	return &receipts{n.t, watch}
}

// acked waits until it is in the store that a subscriber has acked up to seq.
func (r *receipts) acked(subscriber string, seq uint64) {
	r.t.Helper()
	for {
		got, err := r.watch.Recv()
		if err != nil {
			r.t.Fatalf("waiting for %s to have acked %d: %v", subscriber, seq, err)
		}
		if got.GetSubscriber() == subscriber && got.GetAckedSeq() >= seq {
			return
		}
	}
}

// verifyAcks waits until the store has all that a receiver has acked.
func (n *node) verifyAcks(r *receiver, channels []string) {
	n.t.Helper()
	for _, channel := range channels {
		poll(n.t, "the acks of "+r.name+" for "+channel+" are stored", func() bool {
			r.lock.Lock()
			want := r.acked[channel]
			r.lock.Unlock()
			return n.cursor(r.name, channel) == want
		})
	}
}

func (n *node) cursor(subscriber, channel string) uint64 {
	n.t.Helper()
	r, err := n.control.ListSubscriptions(limited(n.t), &pb.ListSubscriptionsRequest{Subscriber: subscriber, Channel: channel}, grpc.WaitForReady(true))
	if err != nil || len(r.GetSubscriptions()) != 1 {
		n.t.Fatalf("subscriptions of %s to %s: %v, %v", subscriber, channel, r.GetSubscriptions(), err)
	}
	return r.GetSubscriptions()[0].GetCursor()
}
