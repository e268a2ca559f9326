package bench_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pushgate/push"
	"pushgate/server/ws"
	"pushgate/store/postgres/pgtest"
)

// BenchmarkCompressedFanout: one channel, 1,000 live subscribers, messages of 4 KiB
// of JSON as fast as the server hands them over, to connections that negotiated
// compression beside such that have not. The processor's time is that of the whole
// process, with the clients, which count frames and look into none.
func BenchmarkCompressedFanout(b *testing.B) {
	const subscribers, messages = 1000, 200
	server := pgtest.StartServer(b, pgtest.Options{})
	for _, level := range []int{0, 1, 3, 6} {
		name, lines := fmt.Sprintf("level%d", level), "Sec-WebSocket-Extensions: permessage-deflate\r\n"
		if level == 0 {
			name, lines = "plain", ""
		}
		b.Run(name, func(b *testing.B) {
			n := startNode(b, server.New(b, "pushgate_"+name), func(o *ws.Options) {
				o.Compression = &ws.Compression{Level: level, Threshold: 1024}
				o.Registry = prometheus.NewRegistry()
				o.HeartbeatInterval = time.Hour // the clients only read
			})
			var rates, times, sizes []float64
			for b.Loop() {
				rate, cpu, size := fanOutDocuments(b, n, subscribers, messages, lines)
				rates, times, sizes = append(rates, rate), append(times, cpu), append(sizes, size)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(rates), "deliveries/s")
			b.ReportMetric(median(times), "cpu-µs/delivery")
			b.ReportMetric(median(sizes), "bytes/delivery")
		})
	}
}

func fanOutDocuments(b *testing.B, n *node, subscribers, messages int, lines string) (rate, cpu, size float64) {
	var group sync.WaitGroup
	var sockets []*socket
	for range subscribers {
		s := dialWith(b, n.http.Listener.Addr().String(), "channel=live", lines)
		defer func() { _ = s.Close() }()
		if err := s.skip(2); err != nil { // connected, subscribed
			b.Fatal(err)
		}
		s.bytes = 0
		sockets = append(sockets, s)
		group.Go(func() {
			if err := s.skip(messages); err != nil {
				b.Error(err)
			}
		})
	}
	r := rand.New(rand.NewPCG(1, 2))
	documents := make([][]byte, messages)
	for i := range documents {
		documents[i] = document(b, r, 4<<10)
	}
	used, start := processorTime(b), time.Now()
	for _, data := range documents {
		if _, err := n.engine.Publish(b.Context(), push.Publication{Channel: "live", Data: data, Ephemeral: true}); err != nil {
			b.Fatal(err)
		}
	}
	group.Wait()
	deliveries := float64(subscribers * messages)
	rate, cpu = deliveries/time.Since(start).Seconds(), float64((processorTime(b)-used).Microseconds())/deliveries
	for _, s := range sockets {
		size += float64(s.bytes) / deliveries
	}
	return rate, cpu, size
}

// document is JSON of at least a size, as of an application: names repeat, ids and
// amounts do not.
func document(b *testing.B, r *rand.Rand, size int) []byte {
	b.Helper()
	states := []string{"pending", "confirmed", "shipped", "delivered"}
	type item struct {
		ID    string  `json:"id"`
		Count int     `json:"count"`
		Price float64 `json:"price"`
		State string  `json:"state"`
		At    int64   `json:"updatedAt"`
	}
	var items []item
	for {
		items = append(items, item{
			fmt.Sprintf("%016x", r.Uint64()), r.IntN(100), float64(r.IntN(100_000)) / 100, states[r.IntN(len(states))], 1_700_000_000_000 + r.Int64N(1e9),
		})
		data, err := json.Marshal(map[string]any{"order": r.IntN(1e6), "items": items})
		if err != nil {
			b.Fatal(err)
		}
		if len(data) >= size {
			return data
		}
	}
}

// processorTime is what this process has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
