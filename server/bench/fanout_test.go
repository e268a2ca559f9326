package bench_test

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"pushgate/push"
	"pushgate/push/wire"
	"pushgate/store/postgres/pgtest"
)

// BenchmarkFanout: one channel, 1,000 live subscribers, ephemeral messages as
// fast as the server hands them over; beside a loop that writes the same frames
// to the same number of sockets, one write a frame.
func BenchmarkFanout(b *testing.B) {
	const subscribers, messages = 1000, 200
	n := startNode(b, pgtest.StartServer(b, pgtest.Options{}).New(b, "pushgate"))
	for b.Loop() {
		compare(b, "deliveries/s", "raw",
			func() float64 { return fanOut(b, n, subscribers, messages) },
			func() float64 { return rawLoop(b, subscribers, messages) })
	}
}

func fanOut(b *testing.B, n *node, subscribers, messages int) float64 {
	var group sync.WaitGroup
	for range subscribers {
		s := dial(b, n.http.Listener.Addr().String(), "channel=live")
		defer func() { _ = s.Close() }()
		if err := s.skip(2); err != nil { // connected, subscribed
			b.Fatal(err)
		}
		group.Go(func() {
			if err := s.skip(messages); err != nil {
				b.Error(err)
			}
		})
	}
	start := time.Now()
	for range messages {
		if _, err := n.engine.Publish(b.Context(), push.Publication{Channel: "live", Data: payload, Ephemeral: true}); err != nil {
			b.Fatal(err)
		}
	}
	group.Wait()
	return float64(subscribers*messages) / time.Since(start).Seconds()
}

func rawLoop(b *testing.B, subscribers, messages int) float64 {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	frame := wire.Encode(&wire.Message{Channel: "live", Data: payload, ID: fmt.Sprint(time.Now().UnixNano()), TimeMillis: time.Now().UnixMilli()})
	var group sync.WaitGroup
	servers := make([]net.Conn, subscribers)
	for i := range servers {
		client, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = client.Close() }()
		if servers[i], err = listener.Accept(); err != nil {
			b.Fatal(err)
		}
		defer func() { _ = servers[i].Close() }()
		s := newSocket(client)
		group.Go(func() {
			if err := s.skip(messages); err != nil {
				b.Error(err)
			}
		})
	}
	start := time.Now()
	for range messages {
		for _, s := range servers {
			if _, err := s.Write(frame.Bytes); err != nil {
				b.Fatal(err)
			}
		}
	}
	group.Wait()
	return float64(subscribers*messages) / time.Since(start).Seconds()
}
