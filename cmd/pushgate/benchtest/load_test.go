//go:build linux

package benchtest

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pb "pushgate/proto/gen/pushgate/v1"
)

// load publishes: as much as it can until stop says so. It answers how many
// messages that were, when all are answered.
type load func(tb testing.TB, n *node, channels []string, stop func(done int) bool) (published int)

// until ends a load after a time.
func until(span time.Duration) func(int) bool {
	end := time.Now().Add(span)
	return func(int) bool { return time.Now().After(end) }
}

// exactly ends a load after so many messages (or calls, of a load in batches) of
// each publisher.
func exactly(count int) func(int) bool { return func(done int) bool { return done >= count } }

func request(channel string, publisher, k int, ephemeral bool) *pb.PublishRequest {
	return &pb.PublishRequest{Channel: channel, Data: payload(publisher, k), Ephemeral: ephemeral}
}

// unary calls Publish, so many at the same time; the channels take turns.
func unary(inFlight int) load {
	return func(tb testing.TB, n *node, channels []string, stop func(int) bool) int {
		var published atomic.Int64
		var group sync.WaitGroup
		for p := range inFlight {
			group.Go(func() {
				for k := 0; !stop(k); k++ {
					channel := channels[(p+k*inFlight)%len(channels)]
					if _, err := n.client.Publish(tb.Context(), request(channel, p, k, true)); err != nil {
						tb.Error(err)
						return
					}
					published.Add(1)
				}
			})
		}
		group.Wait()
		return int(published.Load())
	}
}

// paced calls Publish at a rate, one call at a time.
func paced(every time.Duration) load {
	return func(tb testing.TB, n *node, channels []string, stop func(int) bool) (published int) {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for ; !stop(published); published++ {
			<-tick.C
			if _, err := n.client.Publish(tb.Context(), request(channels[published%len(channels)], 0, published, true)); err != nil {
				tb.Error(err)
				return published
			}
		}
		return published
	}
}

// batchSize is how many messages a PublishBatch has.
const batchSize = 500

// batches calls PublishBatch, so many at the same time.
func batches(inFlight int) load {
	return func(tb testing.TB, n *node, channels []string, stop func(int) bool) int {
		var published atomic.Int64
		var group sync.WaitGroup
		for p := range inFlight {
			group.Go(func() {
				for k := 0; !stop(k / batchSize); {
					batch := &pb.PublishBatchRequest{Requests: make([]*pb.PublishRequest, batchSize)}
					for i := range batch.Requests {
						batch.Requests[i] = request(channels[(p*batchSize+k)%len(channels)], p, k, true)
						k++
					}
					answer, err := n.client.PublishBatch(tb.Context(), batch)
					if err != nil {
						tb.Error(err)
						return
					}
					for _, result := range answer.GetResults() {
						if result.GetError() != nil {
							tb.Error(result.GetError())
							return
						}
					}
					published.Add(batchSize)
				}
			})
		}
		group.Wait()
		return int(published.Load())
	}
}

// streams calls PublishStream, so many at the same time, each with up to window
// messages that are not answered.
func streams(calls, window int, ephemeral bool) load {
	return func(tb testing.TB, n *node, channels []string, stop func(int) bool) int {
		var published atomic.Int64
		var group sync.WaitGroup
		for p := range calls {
			stream, err := n.client.PublishStream(tb.Context())
			if err != nil {
				tb.Fatal(err)
			}
			slots := make(chan struct{}, window)
			group.Go(func() {
				for k := 0; !stop(k); k++ {
					slots <- struct{}{}
					r := request(channels[(p+k*calls)%len(channels)], p, k, ephemeral)
					if err := stream.Send(&pb.PublishStreamRequest{CorrelationId: uint64(k), Request: r}); err != nil {
						break // Recv tells why
					}
				}
				_ = stream.CloseSend()
			})
			group.Go(func() {
				defer func() {
					for len(slots) > 0 {
						<-slots
					}
				}()
				for {
					answer, err := stream.Recv()
					if errors.Is(err, io.EOF) {
						return
					}
					if err != nil || answer.GetError() != nil {
						tb.Errorf("%v, %v", answer.GetError(), err)
						return
					}
					published.Add(1)
					<-slots
				}
			})
		}
		group.Wait()
		return int(published.Load())
	}
}

// names are the channels PREFIX0, PREFIX1 …
func names(prefix string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(prefix, i)
	}
	return all
}
