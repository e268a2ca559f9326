package rpc

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/push/wire"
	"pushgate/server/admission"
)

type subscribeService struct {
	pb.UnimplementedSubscribeServiceServer
	server *Server
}

// protocol is what connections of this service say that they speak.
const protocol = "grpc"

// drainBytes is how much is taken from a session at once, but at least a frame.
const drainBytes = 64 << 10

type subscribeStream = grpc.BidiStreamingServer[pb.SubscribeRequest, pb.SubscribeResponse]

// subscriber is one Subscribe call: one goroutine gives the requests to the
// session, another sends what the session yields.
type subscriber struct {
	server  *Server
	stream  subscribeStream
	ctx     context.Context
	session *push.Session
	wake    chan struct{}
	// refusals are answers to requests that are not fit for the session. It has
	// no room: who does not read them is not read from.
	refusals chan *pb.SubscribeResponse
	// sending is since when a response waits for the caller to read, in Unix
	// nanoseconds; 0 when none does.
	sending atomic.Int64
}

// Subscribe is one connection of a subscriber. The handler only watches over the
// two goroutines: when it returns, grpc ends the stream for both of them.
func (s *subscribeService) Subscribe(stream subscribeStream) error {
	if s.server.draining.Load() {
		return errDraining
	}
	ctx := stream.Context()
	c := &subscriber{
		server: s.server, stream: stream, ctx: ctx,
		wake: make(chan struct{}, 1), refusals: make(chan *pb.SubscribeResponse),
	}
	read := make(chan error, 1)
	connect := make(chan *pb.Connect, 1)
	connected := make(chan struct{})
	s.server.readers.Go(func() {
		read <- s.server.guard(pb.SubscribeService_Subscribe_FullMethodName, func() error { return c.read(connect, connected) })
	})
	select {
	case request := <-connect:
		authentication, err := s.server.authentication(ctx, request.GetSubscriber())
		if err != nil {
			return s.server.fail(ctx, err)
		}
		// Many sessions may come from one backend: no address has a bound here.
		place, reason := s.server.options.Gate.Enter(netip.Addr{})
		if reason != admission.None {
			return s.server.fail(ctx, reason.Refusal())
		}
		defer place.Leave()
		if reason := place.Identify(request.GetSubscriber()); reason != admission.None {
			return s.server.fail(ctx, reason.Refusal())
		}
		if err := c.connect(request, authentication); err != nil {
			return s.server.fail(ctx, err)
		}
	case err := <-read:
		return s.server.fail(ctx, err)
	case <-overOf(ctx):
		return callOf(ctx).why
	case <-s.server.stopping:
		return errDraining
	}
	defer c.session.Detach(push.CauseLost)
	c.session.Opened()
	close(connected)
	written := make(chan error, 1)
	s.server.readers.Go(func() {
		written <- s.server.guard(pb.SubscribeService_Subscribe_FullMethodName, func() error { return c.write(read) })
	})
	return s.server.fail(ctx, c.attend(written))
}

// authentication is how a subscriber is let in, if the caller may be that one. That is
// known before anything else of the subscriber is.
func (s *Server) authentication(ctx context.Context, subscriber string) (*push.Authentication, error) {
	by := identityOf(ctx)
	if err := optionalSubscriber(subscriber); err != nil {
		return nil, err
	}
	authentication, err := by.Be(subscriber)
	if err != nil {
		return nil, s.forbid(ctx, by, pb.SubscribeService_Subscribe_FullMethodName, err)
	}
	return authentication, nil
}

func (c *subscriber) connect(r *pb.Connect, authentication *push.Authentication) (err error) {
	info := push.SessionInfo{Protocol: protocol}
	if p, ok := peer.FromContext(c.ctx); ok {
		info.RemoteAddress = p.Addr.String()
	}
	info.UserAgent = userAgent(headerOf(c.ctx, "user-agent"))
	c.session, err = c.server.engine.Connect(c.ctx, push.Connection{
		Subscriber: r.GetSubscriber(), Authentication: authentication,
		Restore: r.GetRestore() != pb.Restore_RESTORE_NONE, Info: info, Wake: c.woken,
	})
	return err
}

func (c *subscriber) woken() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

var (
	errConnectFirst = invalid("request", "the first request must be connect")
	errConnectTwice = invalid("request", "connect came twice")
)

// read works on the requests in order until the caller closes its side.
func (c *subscriber) read(connect chan<- *pb.Connect, connected <-chan struct{}) error {
	first, err := c.stream.Recv()
	switch {
	case errors.Is(err, io.EOF) || err == nil && first.GetConnect() == nil:
		return errConnectFirst
	case err != nil:
		return err
	}
	connect <- first.GetConnect()
	select {
	case <-connected:
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
	for {
		r, err := c.stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if r.GetConnect() != nil {
			return errConnectTwice
		}
		c.handle(r)
	}
}

func (c *subscriber) handle(r *pb.SubscribeRequest) {
	request, err := requestOf(r)
	if err == nil {
		c.session.Handle(c.ctx, request, proto.Size(r))
		return
	}
	select {
	case c.refusals <- refusal(number(request.ID), push.AsError(err)):
	case <-c.ctx.Done():
	}
}

// write sends what the session yields until it has ended. read tells that the
// caller has nothing more to say.
func (c *subscriber) write(read <-chan error) error {
	stopping, over := c.server.stopping, overOf(c.ctx)
	var leave <-chan time.Time
	var frames []*wire.Frame
	for {
		var more bool
		var end *push.End
		frames, more, end = c.session.DrainFrames(frames[:0], drainBytes)
		if err := c.send(frames); err != nil {
			return err
		}
		if end != nil {
			return endStatus(end)
		}
		if more {
			c.woken()
		}
		select {
		case <-c.wake:
		case r := <-c.refusals:
			if err := c.respond(r); err != nil {
				return err
			}
		case err := <-read:
			if err := c.left(err); err != nil {
				return err
			}
			read = nil
		case <-stopping:
			stopping, leave = nil, time.After(rand.N(c.server.period+1))
		case <-over:
			over = nil
			c.session.End(banned(callOf(c.ctx).why))
		case <-leave:
			c.session.End(push.Draining())
		case <-c.ctx.Done():
			return c.ctx.Err()
		}
	}
}

// attend waits for the writer, and gives up on a caller that does not read.
func (c *subscriber) attend(written <-chan error) error {
	stall := c.server.options.WriteStall
	tick := time.NewTicker(max(stall/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case err := <-written:
			return err
		case now := <-tick.C:
			since := c.sending.Load()
			if since == 0 || now.Sub(time.Unix(0, since)) < stall {
				continue
			}
			end := push.GoAway(push.CauseSlow, wire.CloseSlow, "slow consumer")
			c.session.End(end)
			return endStatus(&end)
		}
	}
}

// banned is the end of a session whose caller may not go on.
func banned(why error) push.End {
	code := wire.CloseUnauthenticated
	if status.Code(why) == codes.Unavailable {
		code = wire.CloseGoingAway
	}
	return push.GoAway(push.CauseAuth, code, status.Convert(why).Message())
}

func (c *subscriber) send(frames []*wire.Frame) error {
	for i, f := range frames {
		if e, refused := f.Event.(wire.Error); refused {
			_ = c.server.forbid(c.ctx, identityOf(c.ctx), pb.SubscribeService_Subscribe_FullMethodName, &push.Error{Code: e.Code, Message: e.Message})
		}
		if r := responseOf(f.Event); r != nil {
			if err := c.respond(r); err != nil {
				return err
			}
		}
		frames[i] = nil
	}
	return nil
}

func (c *subscriber) respond(r *pb.SubscribeResponse) error {
	c.sending.Store(time.Now().UnixNano())
	defer c.sending.Store(0)
	return c.stream.Send(r)
}

// left ends the session as the caller's side has ended: what is queued is still
// sent, unless nobody is there any more.
func (c *subscriber) left(err error) error {
	switch {
	case err == nil:
		c.session.End(push.End{Cause: push.CauseClient, Code: wire.CloseNormal, Reason: "normal"})
	case errors.Is(err, errConnectTwice):
		c.session.End(push.End{Cause: push.CauseProtocol, Code: wire.CloseProtocol, Reason: errConnectTwice.Message})
	default:
		return err
	}
	return nil
}
