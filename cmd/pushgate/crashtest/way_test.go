package crashtest

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	pb "pushgate/proto/gen/pushgate/v1"
)

// way is a way to publish. It reports the fate of each item that it learns of,
// and answers why it did not learn of all; a report that fails ends it.
type way struct {
	name    string
	most    int // items of one round
	publish func(ctx context.Context, items []*pb.PublishRequest, report report) error
}

type report func(item int, r *pb.PublishResponse, refusal error) error

// unary publishes one message a call.
func unary(client pb.PublishServiceClient) way {
	return way{"unary", 1, func(ctx context.Context, items []*pb.PublishRequest, report report) error {
		r, err := client.Publish(ctx, items[0], grpc.WaitForReady(true))
		if err != nil {
			return err
		}
		return report(0, r, nil)
	}}
}

// batch publishes many messages a call.
func batch(client pb.PublishServiceClient) way {
	return way{"batch", 40, func(ctx context.Context, items []*pb.PublishRequest, report report) error {
		answer, err := client.PublishBatch(ctx, &pb.PublishBatchRequest{Requests: items}, grpc.WaitForReady(true))
		if err != nil {
			return err
		}
		if len(answer.GetResults()) != len(items) {
			return fmt.Errorf("%d results for %d requests", len(answer.GetResults()), len(items))
		}
		for i, r := range answer.GetResults() {
			var refusal error
			if r.GetError() != nil {
				refusal = status.ErrorProto(r.GetError())
			}
			if err := report(i, r.GetResponse(), refusal); err != nil {
				return err
			}
		}
		return nil
	}}
}

// stream publishes without waiting for the answers.
func stream(client pb.PublishServiceClient) way {
	return way{"stream", 200, func(ctx context.Context, items []*pb.PublishRequest, report report) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		s, err := client.PublishStream(ctx, grpc.WaitForReady(true))
		if err != nil {
			return err
		}
		go func() {
			for i, item := range items {
				if s.Send(&pb.PublishStreamRequest{CorrelationId: uint64(i), Request: item}) != nil {
					return
				}
			}
			_ = s.CloseSend()
		}()
		return receive(s, len(items), report)
	}}
}

func receive(s grpc.BidiStreamingClient[pb.PublishStreamRequest, pb.PublishStreamResponse], items int, report report) error {
	for answered := 0; ; answered++ {
		r, err := s.Recv()
		if errors.Is(err, io.EOF) && answered == items {
			return nil
		}
		if err != nil {
			return err
		}
		if r.GetCorrelationId() >= uint64(items) {
			return fmt.Errorf("an answer has correlation id %d", r.GetCorrelationId())
		}
		var refusal error
		if r.GetError() != nil {
			refusal = status.ErrorProto(r.GetError())
		}
		if err := report(int(r.GetCorrelationId()), r.GetResponse(), refusal); err != nil {
			return err
		}
	}
}
