package crowdtest

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
)

// BenchmarkOneInAHundredStopsReading: how long messages are on their way, from
// before the publish to the reader, with one client in a hundred that does not
// read, beside the same without.
//
//	go test -run '^$' -bench OneInAHundred -benchtime 1x ./cmd/pushgate/crowdtest
func BenchmarkOneInAHundredStopsReading(b *testing.B) {
	const rounds = 3
	var medians, tails, quietMedians, quietTails []float64
	for b.Loop() {
		for range rounds {
			quietMedian, quietTail := latencies(b, 0)
			median, tail := latencies(b, 100)
			medians, tails = append(medians, median/quietMedian), append(tails, tail/quietTail)
			quietMedians, quietTails = append(quietMedians, quietMedian), append(quietTails, quietTail)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(middle(medians), "p50-ratio")
	b.ReportMetric(middle(tails), "p99-ratio")
	b.ReportMetric(middle(quietMedians), "quiet-p50-ms")
	b.ReportMetric(middle(quietTails), "quiet-p99-ms")
}

func middle(v []float64) float64 { return slices.Sorted(slices.Values(v))[len(v)/2] }

// latencies are the median and the 99th percentile in milliseconds, with one
// client in so many that does not read; 0: all do.
func latencies(b *testing.B, oneIn int) (median, tail float64) {
	b.Helper()
	const clients, messages, pause = 2000, 100, 20 * time.Millisecond
	s := pushgatetest.Start(b, pushgatetest.Command{Args: []string{"--limits-outbox-bytes=64KiB", "--heartbeat-interval=1h"}})
	defer s.Kill()
	var lock sync.Mutex
	var all []float64
	var reading sync.WaitGroup
	for i := range clients {
		stalled := oneIn > 0 && i%oneIn == 0
		buffer := 0
		if stalled {
			buffer = 4 << 10
		}
		m, err := join(s.HTTP, fmt.Sprintf("channel=busy&subscriber=s%d", i), i, buffer)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = m.conn.Close() }()
		if err := m.greeted("connected", "subscribed"); err != nil {
			b.Fatal(err)
		}
		if stalled {
			continue
		}
		reading.Go(func() {
			took := make([]float64, 0, messages)
			for range messages {
				payload, err := m.text()
				if err != nil {
					b.Error(err)
					return
				}
				took = append(took, age(payload))
			}
			lock.Lock()
			all = append(all, took...)
			lock.Unlock()
		})
	}
	conn, err := grpc.NewClient(s.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	client, padding := pb.NewPublishServiceClient(conn), bytes.Repeat([]byte("x"), 4<<10)
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for range messages {
		<-tick.C
		data := fmt.Appendf(nil, `{"at":%d,"x":%q}`, time.Now().UnixNano(), padding)
		if _, err := client.Publish(b.Context(), &pb.PublishRequest{Channel: "busy", Data: data}); err != nil {
			b.Fatal(err)
		}
	}
	reading.Wait()
	slices.Sort(all)
	return all[len(all)/2], all[len(all)*99/100]
}

// age is how long ago a message was published, in milliseconds.
func age(payload []byte) float64 {
	_, rest, _ := bytes.Cut(payload, []byte(`"at":`))
	digits, _, _ := bytes.Cut(rest, []byte(","))
	at, _ := strconv.ParseInt(string(digits), 10, 64)
	return float64(time.Now().UnixNano()-at) / 1e6
}
