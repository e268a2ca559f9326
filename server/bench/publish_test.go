package bench_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/store"
	"pushgate/store/postgres/pgtest"
)

// BenchmarkPublishUnary: 64 callers of Publish, durable, beside 64 pgbench
// clients that insert a row each on the same server.
func BenchmarkPublishUnary(b *testing.B) {
	server := pgtest.StartServer(b, pgtest.Options{Durable: true})
	n := startNode(b, server.New(b, "pushgate"))
	reference := newPgbench(b, server, 64)
	for _, shape := range []struct {
		name     string
		channels int
	}{{"one channel", 1}, {"1000 channels", 1000}} {
		b.Run(shape.name, func(b *testing.B) {
			for b.Loop() {
				compare(b, "msg/s", "pgbench", func() float64 { return unary(b, n, 64, shape.channels) }, reference)
			}
		})
	}
}

func unary(b *testing.B, n *node, callers, channels int) float64 {
	var done atomic.Int64
	var group sync.WaitGroup
	start := time.Now()
	for i := range callers {
		group.Go(func() {
			for k := i; time.Since(start) < span; k += callers {
				channel := "c" + strconv.Itoa(k%channels)
				if _, err := n.client.Publish(b.Context(), &pb.PublishRequest{Channel: channel, Data: payload}); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()
	return float64(done.Load()) / time.Since(start).Seconds()
}

// BenchmarkPublishStream and BenchmarkPublishBatch, beside the driver's own
// group commit of the same shape.
func BenchmarkPublishStream(b *testing.B) { bulk(b, stream) }

func BenchmarkPublishBatch(b *testing.B) { bulk(b, batches) }

func bulk(b *testing.B, publish func(*testing.B, *node, int) float64) {
	server := pgtest.StartServer(b, pgtest.Options{Durable: true})
	n := startNode(b, server.New(b, "pushgate"))
	for _, channels := range []int{1, 1000} {
		b.Run(fmt.Sprintf("%d channels", channels), func(b *testing.B) {
			for b.Loop() {
				compare(b, "msg/s", "driver", func() float64 { return publish(b, n, channels) },
					func() float64 { return groupCommit(b, n, channels) })
			}
		})
	}
}

// groupCommit appends batches of 512 by two writers on the same channels.
func groupCommit(b *testing.B, n *node, channels int) float64 {
	const writers, size = 2, 512
	var done atomic.Int64
	var group sync.WaitGroup
	start := time.Now()
	for range writers {
		group.Go(func() {
			messages := make([]store.Message, size)
			for k := 0; time.Since(start) < span; {
				now := time.Now().Truncate(time.Millisecond)
				for i := range messages {
					messages[i] = store.Message{Channel: "r" + strconv.Itoa(k%channels), Data: payload, Time: now}
					k++
				}
				if _, err := n.store.Append(b.Context(), store.Batch{Messages: messages}); err != nil {
					b.Error(err)
					return
				}
				done.Add(size)
			}
		})
	}
	group.Wait()
	return float64(done.Load()) / time.Since(start).Seconds()
}

func stream(b *testing.B, n *node, channels int) float64 {
	const streams = 2
	var done atomic.Int64
	var group sync.WaitGroup
	start := time.Now()
	for s := range streams {
		ctx, cancel := context.WithCancel(b.Context())
		defer cancel()
		publishing, err := n.client.PublishStream(ctx)
		if err != nil {
			b.Fatal(err)
		}
		group.Go(func() {
			for k := s; time.Since(start) < span; k += streams {
				request := &pb.PublishRequest{Channel: "s" + strconv.Itoa(k%channels), Data: payload}
				if err := publishing.Send(&pb.PublishStreamRequest{CorrelationId: uint64(k), Request: request}); err != nil {
					b.Error(err)
					return
				}
			}
			_ = publishing.CloseSend()
		})
		group.Go(func() {
			for {
				answer, err := publishing.Recv()
				if err != nil {
					return
				}
				if answer.GetError() != nil {
					b.Error(answer.GetError())
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()
	return float64(done.Load()) / time.Since(start).Seconds()
}

func batches(b *testing.B, n *node, channels int) float64 {
	const callers, size = 4, 500
	var done atomic.Int64
	var group sync.WaitGroup
	start := time.Now()
	for c := range callers {
		group.Go(func() {
			for k := c * size; time.Since(start) < span; {
				request := &pb.PublishBatchRequest{}
				for range size {
					request.Requests = append(request.Requests, &pb.PublishRequest{Channel: "b" + strconv.Itoa(k%channels), Data: payload})
					k++
				}
				if _, err := n.client.PublishBatch(b.Context(), request); err != nil {
					b.Error(err)
					return
				}
				done.Add(size)
			}
		})
	}
	group.Wait()
	return float64(done.Load()) / time.Since(start).Seconds()
}

// newPgbench makes a measurement of single-row inserts on the same server.
func newPgbench(b *testing.B, server *pgtest.Server, clients int) func() float64 {
	url := server.New(b, "pgbench")
	script := filepath.Join(b.TempDir(), "insert.sql")
	insert := "INSERT INTO single (data) VALUES ('" + string(payload) + "');\n"
	if err := os.WriteFile(script, []byte(insert), 0o600); err != nil {
		b.Fatal(err)
	}
	if err := pgtest.Execute(url, "CREATE TABLE single (id bigserial PRIMARY KEY, data bytea)"); err != nil {
		b.Fatal(err)
	}
	return func() float64 {
		out, err := exec.Command(server.Program("pgbench"), "-n", "-M", "prepared", "-c", strconv.Itoa(clients), "-j", "2",
			"-T", strconv.Itoa(int(span/time.Second)), "-f", script, url).CombinedOutput()
		found := regexp.MustCompile(`tps = ([0-9.]+)`).FindSubmatch(out)
		if err != nil || found == nil {
			b.Fatalf("pgbench: %v\n%s", err, out)
		}
		rate, _ := strconv.ParseFloat(string(found[1]), 64)
		return rate
	}
}
