package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	pb "pushgate/proto/gen/pushgate/v1"
)

// publishLines publishes without waiting for the answers; those come as they do.
func (c *publishCommand) publishLines(ctx context.Context, t terminal) error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := pb.NewPublishServiceClient(conn).PublishStream(ctx)
	if err != nil {
		return c.explain(err)
	}
	var sent atomic.Uint64
	read := make(chan error, 1)
	go func() { read <- c.sendLines(stream, t.in, &sent) }()
	answered, refused, err := receivePublished(stream, t)
	if err != nil {
		return fmt.Errorf("%w; %d of at least %d messages were answered", c.explain(err), answered, sent.Load())
	}
	if err := <-read; err != nil {
		return err
	}
	if refused > 0 {
		return fmt.Errorf("%d of %d messages were not published", refused, answered)
	}
	return nil
}

// sendLines sends the lines of in, with their numbers.
func (c *publishCommand) sendLines(stream grpc.ClientStream, in io.Reader, sent *atomic.Uint64) error {
	lines := bufio.NewReader(in)
	for number := uint64(1); ; number++ {
		line, end := lines.ReadBytes('\n')
		line = bytes.TrimRight(line, "\r\n")
		if len(line) > 0 {
			sent.Add(1)
			request := &pb.PublishStreamRequest{CorrelationId: number, Request: c.request(line)}
			if err := stream.SendMsg(request); err != nil {
				return fmt.Errorf("the server ended the stream: %w", err)
			}
		}
		if end != nil {
			if err := stream.CloseSend(); err != nil || errors.Is(end, io.EOF) {
				return err
			}
			return fmt.Errorf("reading standard input: %w", end)
		}
	}
}

// receivePublished prints the answers until there are no more.
func receivePublished(stream grpc.ServerStreamingClient[pb.PublishStreamResponse], t terminal) (answered, refused int, err error) {
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return answered, refused, nil
		}
		if err != nil {
			return answered, refused, err
		}
		answered++
		if failure := answer.GetError(); failure != nil {
			refused++
			_, _ = fmt.Fprintf(t.err, "line %d: %s: %s\n", answer.GetCorrelationId(), codes.Code(failure.GetCode()), failure.GetMessage())
			continue
		}
		if err := printPublished(t.out, answer.GetResponse()); err != nil {
			return answered, refused, err
		}
	}
}
