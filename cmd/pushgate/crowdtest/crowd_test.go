package crowdtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/store/postgres/pgtest"
)

func TestMain(m *testing.M) {
	os.Exit(pgtest.Around(func() int { return pushgatetest.Around(m.Run) }))
}

// size is how many clients a crowd has.
func size() int {
	if pushgatetest.Raced() {
		return 1000
	}
	return 10_000
}

// together runs f for each of count, with so many at a time, and reports the
// first failures.
func together(t *testing.T, count, atOnce int, f func(i int) error) {
	t.Helper()
	var running sync.WaitGroup
	failures := make(chan error, count)
	slots := make(chan struct{}, atOnce)
	for i := range count {
		slots <- struct{}{}
		running.Go(func() {
			if err := f(i); err != nil {
				failures <- fmt.Errorf("client %d: %w", i, err)
			}
			<-slots
		})
	}
	running.Wait()
	close(failures)
	shown := 0
	for err := range failures {
		if shown++; shown <= 5 {
			t.Error(err)
		}
	}
	if shown > 5 {
		t.Errorf("and %d more", shown-5)
	}
	if shown > 0 {
		t.FailNow()
	}
}

// joinPatiently connects as a client should: after a refusal it waits for as long
// as it was told.
func joinPatiently(address, query string, number, receiveBuffer int) (m *member, refusals int, err error) {
	for deadline := time.Now().Add(2 * pushgatetest.Patience); ; refusals++ {
		m, err = join(address, query, number, receiveBuffer)
		refusal, ok := errors.AsType[*refused](err)
		if !ok || refusal.status != 503 || time.Now().After(deadline) {
			return m, refusals, err
		}
		time.Sleep(refusal.after)
	}
}

// publish publishes messages to a channel, ten at a time.
func publish(t *testing.T, s *pushgatetest.Server, channel string, count int, data []byte) {
	t.Helper()
	conn, err := grpc.NewClient(s.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 4*pushgatetest.Patience)
	defer cancel()
	client := pb.NewPublishServiceClient(conn)
	for left := count; left > 0; left -= 10 {
		batch := &pb.PublishBatchRequest{}
		for range min(left, 10) {
			batch.Requests = append(batch.Requests, &pb.PublishRequest{Channel: channel, Data: data})
		}
		answer, err := client.PublishBatch(ctx, batch)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range answer.GetResults() {
			if r.GetError() != nil {
				t.Fatal(r.GetError())
			}
		}
	}
}

func stores(t *testing.T, test func(t *testing.T, args []string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, nil) })
	t.Run("postgres", func(t *testing.T) { test(t, []string{"--store-url=" + pgtest.New(t)}) })
}
