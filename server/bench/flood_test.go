package bench_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pushgate/push"
	"pushgate/server/admission"
	"pushgate/server/ws"
	"pushgate/store/postgres/pgtest"
)

// BenchmarkFloodAtTheLimit: the latency from a publish to 100 connections while
// 5,000 upgrades a second are refused, beside the same while a bare net/http
// server in the same process answers as many; and without either. The clients
// share the processors with both.
func BenchmarkFloodAtTheLimit(b *testing.B) {
	const connected, rate = 100, 5000
	n := startNode(b, pgtest.StartServer(b, pgtest.Options{}).New(b, "pushgate"), func(o *ws.Options) {
		o.Gate = admission.NewGate(admission.Limits{Connections: connected}, o.Logger, prometheus.NewRegistry())
		o.HeartbeatInterval = time.Hour // the clients only read
	})
	address := n.http.Listener.Addr().String()
	var sockets []*socket
	for range connected {
		s := dial(b, address, "channel=live")
		defer func() { _ = s.Close() }()
		if err := s.skip(2); err != nil { // connected, subscribed
			b.Fatal(err)
		}
		sockets = append(sockets, s)
	}
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Connection"] = []string{"close"}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer bare.Close()
	for b.Loop() {
		var refused, quiet []float64
		flooded := func(address string) float64 {
			stop := make(chan struct{})
			var flooding sync.WaitGroup
			flooding.Go(func() { refused = append(refused, flood(b, address, rate, stop)) })
			defer flooding.Wait()
			defer close(stop)
			return latency(b, n, sockets)
		}
		compare(b, "p99-ms", "bare",
			func() float64 {
				quiet = append(quiet, latency(b, n, sockets))
				return flooded(address)
			},
			func() float64 { return flooded(bare.Listener.Addr().String()) })
		b.ReportMetric(median(quiet), "quiet:p99-ms")
		b.ReportMetric(median(refused), "refusals/s")
	}
}

// latency answers the 99th percentile in ms, of messages that are published 200
// times a second.
func latency(b *testing.B, n *node, sockets []*socket) float64 {
	b.Helper()
	const messages = 400
	var took []float64
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range messages {
		<-tick.C
		start := time.Now()
		if _, err := n.engine.Publish(b.Context(), push.Publication{Channel: "live", Data: payload, Ephemeral: true}); err != nil {
			b.Fatal(err)
		}
		for _, s := range sockets {
			if err := s.skip(1); err != nil {
				b.Fatal(err)
			}
		}
		took = append(took, time.Since(start).Seconds()*1000)
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// flood knocks rate times a second until stop, and answers how often it did.
func flood(b *testing.B, address string, rate int, stop <-chan struct{}) float64 {
	const knockers = 8
	var group sync.WaitGroup
	counts := make([]int, knockers)
	start := time.Now()
	for i := range knockers {
		group.Go(func() {
			for due := start; ; due = due.Add(time.Second * knockers / time.Duration(rate)) {
				select {
				case <-stop:
					return
				case <-time.After(time.Until(due)):
				}
				if err := knock(address); err != nil {
					b.Error(err)
					return
				}
				counts[i]++
			}
		})
	}
	group.Wait()
	sum := 0
	for _, c := range counts {
		sum += c
	}
	return float64(sum) / time.Since(start).Seconds()
}

// knock asks for an upgrade that is refused.
func knock(address string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprint(conn, "GET /ws HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n")
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(conn)
	if want := fmt.Sprintf("HTTP/1.1 %d ", http.StatusServiceUnavailable); err != nil || len(answer) < len(want) || string(answer[:len(want)]) != want {
		return fmt.Errorf("answered %.80q, %w", answer, err)
	}
	return nil
}
