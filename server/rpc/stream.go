package rpc

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/server/auth/caller"
)

// maxInFlight is how many messages of one stream may be received and not answered.
const maxInFlight = 2048

type publishStream = grpc.BidiStreamingServer[pb.PublishStreamRequest, pb.PublishStreamResponse]

// pipeline is one PublishStream call. A reader goroutine submits what comes in;
// the committers put the answers into a queue with room for everything that is
// in flight, so they never wait; the handler sends them.
type pipeline struct {
	server  *Server
	stream  publishStream
	ctx     context.Context
	caller  *caller.Identity
	slots   chan struct{} // one for each message in flight
	answers chan answer

	mu       sync.Mutex
	inFlight int
	closed   bool // nothing is taken any more
}

// answer is what became of one message.
type answer struct {
	correlation uint64
	channel     string
	published   push.Published
	err         error
}

// PublishStream publishes without waiting for the answers.
func (p *publishService) PublishStream(stream publishStream) error {
	l := &pipeline{
		server: p.server, stream: stream, ctx: stream.Context(), caller: identityOf(stream.Context()),
		slots: make(chan struct{}, maxInFlight), answers: make(chan answer, maxInFlight),
	}
	read := make(chan error, 1)
	p.server.readers.Go(func() { read <- p.server.guard(pb.PublishService_PublishStream_FullMethodName, l.read) })
	for {
		select {
		case a := <-l.answers:
			if err := l.send(a); err != nil {
				return err
			}
		case err := <-read:
			if errors.Is(err, errInternal) {
				return err // a panic: one message will never be answered
			}
			return l.finish(err)
		case <-overOf(l.ctx):
			return l.finish(callOf(l.ctx).why)
		case <-p.server.stopping:
			return l.finish(errDraining)
		}
	}
}

// read submits messages until the caller closes its side.
func (l *pipeline) read() error {
	for {
		r, err := l.stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case l.slots <- struct{}{}:
		case <-l.ctx.Done():
			return l.ctx.Err()
		}
		if !l.begin() {
			return nil
		}
		l.submit(r)
	}
}

func (l *pipeline) submit(r *pb.PublishStreamRequest) {
	done := func(published push.Published, err error) {
		l.answers <- answer{r.GetCorrelationId(), r.GetRequest().GetChannel(), published, err}
	}
	publication, err := l.server.publication(l.ctx, l.caller, r.GetRequest())
	if err == nil {
		err = l.caller.Take(len(r.GetRequest().GetData()))
	}
	if err == nil {
		err = l.server.engine.Submit(l.ctx, publication, true, done)
	}
	if err != nil {
		done(push.Published{}, err)
	}
}

// begin counts one message more in flight; false when the stream is ending.
func (l *pipeline) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.inFlight++
	}
	return !l.closed
}

// close takes nothing more, and says how much is in flight.
func (l *pipeline) close() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return l.inFlight
}

func (l *pipeline) send(a answer) error {
	response := &pb.PublishStreamResponse{CorrelationId: a.correlation}
	if a.err != nil {
		response.Result = &pb.PublishStreamResponse_Error{Error: l.server.status(l.ctx, a.err).Proto()}
	} else {
		response.Result = &pb.PublishStreamResponse_Response{Response: publishResponse(a.channel, a.published)}
	}
	if err := l.stream.Send(response); err != nil {
		return l.server.fail(l.ctx, err)
	}
	l.mu.Lock()
	l.inFlight--
	l.mu.Unlock()
	<-l.slots
	return nil
}

// finish sends the answers of what is in flight, unless nobody waits for them,
// and ends the stream with the status.
func (l *pipeline) finish(ending error) error {
	for left := l.close(); left > 0; left-- {
		select {
		case a := <-l.answers:
			if err := l.send(a); err != nil {
				return err
			}
		case <-l.ctx.Done():
			return l.server.fail(l.ctx, l.ctx.Err())
		}
	}
	return l.server.fail(l.ctx, ending)
}
