package bench_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"pushgate/store"
	"pushgate/store/postgres/pgtest"
)

// BenchmarkBacklog: 1,000 subscribers, each with a channel of its own and 100
// messages pending, come back at once over WebSocket; beside the driver's own
// page reads of the same rows.
func BenchmarkBacklog(b *testing.B) {
	const subscribers, pending = 1000, 100
	server := pgtest.StartServer(b, pgtest.Options{Durable: true})
	n := startNode(b, server.New(b, "pushgate"))
	fill(b, n, subscribers, pending)
	for b.Loop() {
		compare(b, "msg/s", "driver",
			func() float64 { return comeBack(b, n, subscribers, pending) },
			func() float64 { return readPages(b, n, subscribers, pending) })
	}
}

func fill(b *testing.B, n *node, subscribers, pending int) {
	now := time.Now().Truncate(time.Millisecond)
	for i := range subscribers {
		name := fmt.Sprintf("user:%d", i)
		_, err := n.store.Subscribe(b.Context(), []store.NewSubscription{{Subscriber: name, Channel: name, Now: now}})
		if err != nil {
			b.Fatal(err)
		}
		messages := make([]store.Message, pending)
		for k := range messages {
			messages[k] = store.Message{Channel: name, Data: payload, Time: now}
		}
		if _, err := n.store.Append(b.Context(), store.Batch{Messages: messages}); err != nil {
			b.Fatal(err)
		}
	}
}

// readPages reads what the subscribers miss, 50 channels a query, by two readers.
func readPages(b *testing.B, n *node, subscribers, pending int) float64 {
	const readers, channels = 2, 50
	const times = 5
	var group sync.WaitGroup
	start := time.Now()
	for r := range readers {
		group.Go(func() {
			for k := r; k < times*subscribers/channels; k += readers {
				requests := make([]store.PageRequest, channels)
				for i := range requests {
					requests[i] = store.PageRequest{Channel: fmt.Sprintf("user:%d", (k*channels+i)%subscribers), Limit: 256, Bytes: 256 << 10}
				}
				pages, err := n.store.Pages(b.Context(), time.Now(), requests)
				if err != nil || len(pages[0].Messages) != pending {
					b.Errorf("%d messages, %v", len(pages[0].Messages), err)
					return
				}
			}
		})
	}
	group.Wait()
	return float64(times*subscribers*pending) / time.Since(start).Seconds()
}

// comeBack connects everybody, and counts until everybody has everything. The
// upgrades are done before; what is measured begins with the first subscribe to
// a stored subscription.
func comeBack(b *testing.B, n *node, subscribers, pending int) float64 {
	sockets := make([]*socket, subscribers)
	for i := range sockets {
		sockets[i] = dial(b, n.http.Listener.Addr().String(), fmt.Sprintf("restore=none&subscriber=user:%d", i))
		defer func() { _ = sockets[i].Close() }()
	}
	var group sync.WaitGroup
	start := time.Now()
	for i, s := range sockets {
		group.Go(func() {
			if err := s.send(fmt.Sprintf(`{"type":"subscribe","id":1,"channel":"user:%d"}`, i)); err != nil {
				b.Error(err)
				return
			}
			if err := s.skip(2 + pending); err != nil { // connected, subscribed
				b.Error(err)
			}
		})
	}
	group.Wait()
	return float64(subscribers*pending) / time.Since(start).Seconds()
}
