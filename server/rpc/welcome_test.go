package rpc_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/push/wire"
	"pushgate/server/admission"
	"pushgate/server/auth/caller"
	"pushgate/server/auth/token"
	"pushgate/server/rpc"
)

// watch opens a watch of health and answers what came first.
func watch(ctx context.Context, t testing.TB, conn *grpc.ClientConn) error {
	t.Helper()
	_, err := got(healthv1.NewHealthClient(conn).Watch(ctx, &healthv1.HealthCheckRequest{}))(t).Recv()
	return err
}

func check(t testing.TB, conn *grpc.ClientConn) {
	t.Helper()
	got(healthv1.NewHealthClient(conn).Check(patient(t), &healthv1.HealthCheckRequest{}))(t)
}

// wantBusy checks that somebody is told to come back later.
func wantBusy(t testing.TB, err error) {
	t.Helper()
	if retry := retryOf(wantCode(t, err, codes.ResourceExhausted)); retry <= 0 {
		t.Errorf("%v does not say when to come back", err)
	}
}

// A connection has four watches of health, and more if somebody is known there.
func TestWatchesOfOneConnection(t *testing.T) {
	n, _ := guarded(t, caller.Options{Callers: callers})
	for what, c := range map[string]struct {
		conn *grpc.ClientConn
		most int
	}{"a stranger": {n.conn, 4}, "a caller": {n.as(readKey).conn, 64}} {
		t.Run(what, func(t *testing.T) {
			conn := c.conn
			var end context.CancelFunc
			for range c.most {
				var ctx context.Context
				ctx, end = context.WithCancel(patient(t))
				must(t, watch(ctx, t, conn))
			}
			wantBusy(t, watch(patient(t), t, conn))
			check(t, conn)
			end()
			eventually(t, "one more may watch", func() bool { return watch(patient(t), t, conn) == nil })
		})
	}
	if refused := n.metric("pushgate_grpc_requests_total", "grpc.health.v1.Health/Watch", "ResourceExhausted"); refused < 2 {
		t.Errorf("%v are counted", refused)
	}
}

// Strangers have 1,024 watches together. They keep nobody from checking, and no caller
// from watching.
func TestWatchesOfStrangers(t *testing.T) {
	const strangers, each = 256, 4
	n, _ := guarded(t, caller.Options{Callers: callers})
	var opening sync.WaitGroup
	for range strangers {
		conn := n.connect()
		opening.Go(func() {
			for range each {
				if err := watch(patient(t), t, conn); err != nil {
					t.Error(err)
				}
			}
		})
	}
	opening.Wait()
	wantBusy(t, watch(patient(t), t, n.conn))
	check(t, n.conn)
	must(t, watch(patient(t), t, n.as(publishKey).conn))
	n.as(publishKey).send("news", "1")
}

// A connection that becomes a caller's takes its watches with it: clients may watch the
// health before they call.
func TestWatchesOfCallersToBe(t *testing.T) {
	const callersToBe, each = 257, 4
	n, _ := guarded(t, caller.Options{Callers: callers})
	var opening sync.WaitGroup
	for range callersToBe {
		conn := n.connect()
		opening.Go(func() {
			ctx := patient(t)
			for range each {
				for watch(ctx, t, conn) != nil {
					if ctx.Err() != nil {
						t.Error("no watch becomes free")
						return
					}
				}
			}
			if _, err := pb.NewPublishServiceClient(conn).Publish(bearing(patient(t), publishKey), &pb.PublishRequest{Channel: "news", Data: []byte("1")}); err != nil {
				t.Error(err)
			}
		})
	}
	opening.Wait()
	must(t, watch(patient(t), t, n.conn))
}

// Calls that wait for their request are few on a connection.
func TestCallsWithoutRequest(t *testing.T) {
	i := newIssuer(t)
	for what, method := range map[string]string{"health": healthv1.Health_Check_FullMethodName, "a bad token": pb.PublishService_Publish_FullMethodName} {
		t.Run(what, func(t *testing.T) {
			n, _ := guarded(t, caller.Options{Callers: callers, Tokens: i.verifier()})
			open := func() grpc.ClientStream {
				return got(n.conn.NewStream(bearing(patient(t), newIssuer(t).token(nil)), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method))(t)
			}
			for range 8 {
				open()
			}
			err := open().RecvMsg(&pb.PublishResponse{})
			wantBusy(t, err)
			// On the same connection whoever has something to show is served.
			_, err = n.publish.Publish(bearing(patient(t), publishKey), &pb.PublishRequest{Channel: "news", Data: []byte("1")})
			must(t, err)
		})
	}
}

// A call of somebody who is not known waits ten seconds for its request, and keeps no node
// from stopping.
func TestRequestsThatDoNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := guarded(t, caller.Options{Callers: callers})
		for _, method := range []string{healthv1.Health_Check_FullMethodName, healthv1.Health_Watch_FullMethodName} {
			began := time.Now()
			stream := got(n.conn.NewStream(context.Background(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method))(t)
			err := stream.RecvMsg(&healthv1.HealthCheckResponse{})
			if took := time.Since(began); err == nil || took != 10*time.Second {
				t.Errorf("%s is answered %v after %v, want an error after 10 s", method, err, took)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		stream := got(healthv1.NewHealthClient(n.conn).Watch(ctx, &healthv1.HealthCheckRequest{}))(t)
		got(stream.Recv())(t)
		time.Sleep(time.Minute)
		n.server.SetServing(false)
		got(stream.Recv())(t) // it goes on as long as it likes
		got(n.conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, healthv1.Health_Check_FullMethodName))(t)
		synctest.Wait()
		began := time.Now()
		n.server.Stop(ctx, 0)
		if took := time.Since(began); took > 0 {
			t.Errorf("a stop waits %v for a request", took)
		}
	})
}

// slowTokens need two seconds to fetch their keys.
type slowTokens struct{ caller.Tokens }

func (s slowTokens) Verify(ctx context.Context, text string) (token.Claims, error) {
	select {
	case <-time.After(2 * time.Second):
		return s.Tokens.Verify(context.Background(), text)
	case <-ctx.Done():
		return token.Claims{}, &push.Error{Code: wire.CodeUnavailable, Message: "no keys"}
	}
}

// What is large does not crawl for long behind a token whose key has to be fetched.
func TestLargeMessageBehindANewKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		text := i.token(map[string]any{"scope": "pushgate:publish", "channels": map[string][]string{"*": {"publish"}}})
		n := startWith(t, func(n *node, o *rpc.Options) {
			o.Sockets = admission.NewSockets(100, n.gate, n.registry)
			o.Callers = got(caller.NewDirectory(caller.Options{Tokens: slowTokens{i.verifier()}, Revoked: n.engine.Revoked}))(t)
		})
		data := fmt.Appendf(nil, "%q", strings.Repeat("x", 1_000_000))
		_, err := n.publish.Publish(bearing(context.Background(), text), &pb.PublishRequest{Channel: "news", Data: data})
		must(t, err)
	})
}

// Sockets on which nothing was said keep no node from stopping either.
func TestSilentSocketsAreSeenOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := limited(t, 100)
		n.send("news", "1")
		for range 5 {
			silent := got(n.dial(t.Context()))(t)
			defer func() { _ = silent.Close() }()
		}
		synctest.Wait()
		if n.sockets("strangers") != 5 {
			t.Fatal("they are not there")
		}
		began := time.Now()
		n.server.Stop(t.Context(), 0)
		if took := time.Since(began); took > time.Second {
			t.Errorf("a stop waits %v for sockets that say nothing", took)
		}
	})
}

// A connection without calls ends after half an hour, and the next call has another.
func TestIdleConnectionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sockets *admission.Sockets
		n := startWith(t, func(n *node, o *rpc.Options) {
			sockets = admission.NewSockets(100, n.gate, n.registry)
			o.Sockets = sockets
		})
		n.send("news", "1")
		stream := got(n.publish.PublishStream(t.Context()))(t)
		must(t, stream.Send(item(1, "news", "1")))
		receive(t, stream)
		time.Sleep(40 * time.Minute)
		if n.sockets("callers") != 1 {
			t.Error("a connection with a stream is gone")
		}
		must(t, stream.CloseSend())
		_, err := stream.Recv()
		wantEOF(t, err)
		time.Sleep(40 * time.Minute)
		if n.sockets("callers") != 0 {
			t.Error("a connection without calls is there")
		}
		n.send("news", "1")
	})
}

// limited starts a node with a bound of its sockets.
func limited(t *testing.T, sockets int, callers ...caller.Settings) *node {
	t.Helper()
	return startWith(t, func(n *node, o *rpc.Options) {
		o.Sockets = admission.NewSockets(sockets, n.gate, n.registry)
		if len(callers) > 0 {
			o.Callers = got(caller.NewDirectory(caller.Options{Callers: callers, Registry: n.registry}))(t)
		}
	})
}

// sockets are how many there are, of strangers or callers.
func (n *node) sockets(whose string) float64 {
	n.t.Helper()
	return n.labelled("pushgate_grpc_sockets", map[string]string{"whose": whose})
}

// However many connect and show nothing, who has a key gets in, stays, and the health is
// told to whoever asks.
func TestFloodOfStrangers(t *testing.T) {
	for what, c := range map[string]struct {
		callers []caller.Settings
		key     string
	}{
		"guarded": {callers, publishKey}, "open": {nil, "none"},
	} {
		t.Run(what, func(t *testing.T) {
			n := limited(t, 16, c.callers...) // 8 strangers
			first := n.as(c.key)
			first.send("news", "1")
			ctx, calm := context.WithCancel(t.Context())
			defer calm()
			var flooding sync.WaitGroup
			for range 16 {
				flooding.Go(func() {
					for {
						s, err := n.dial(ctx)
						if err != nil {
							return
						}
						stop := context.AfterFunc(ctx, func() { _ = s.Close() })
						_, _ = io.Copy(io.Discard, s) // until it is closed
						stop()
						_ = s.Close()
					}
				})
			}
			eventually(t, "there is no room", func() bool { return n.sockets("strangers") == 8 })
			n.as(c.key).send("news", "2")
			check(t, n.connect())
			first.send("news", "3")
			if n.sockets("strangers") > 8 || n.labelled("pushgate_refused_connections_total", map[string]string{"reason": "grpc_stranger"}) == 0 {
				t.Errorf("%v strangers are there, and none had to go", n.sockets("strangers"))
			}
			calm()
			flooding.Wait()
		})
	}
}

// Callers are told when there are too many connections of theirs.
func TestTooManyConnectionsOfCallers(t *testing.T) {
	n := limited(t, 8, callers...) // 4 of each
	var last *node
	for range 4 {
		last = n.as(publishKey)
		last.send("news", "1")
	}
	next := n.as(publishKey)
	call := func() error {
		_, err := next.publish.Publish(patient(t), &pb.PublishRequest{Channel: "news", Data: []byte("1")})
		return err
	}
	wantBusy(t, call())
	check(t, next.conn)
	last.send("news", "1")
	must(t, last.conn.Close())
	eventually(t, "there is a place again", func() bool { return status.Code(call()) == codes.OK })
}

// Who has shown a key with a check of health is no stranger.
func TestChecksWithAKey(t *testing.T) {
	n := limited(t, 16, callers...)
	for key, whose := range map[string]string{publishKey: "callers", caller.NewKey(): "strangers", expiredKey: "strangers"} {
		before := n.sockets(whose)
		check(t, n.as(key).conn)
		if after := n.sockets(whose); after != before+1 {
			t.Errorf("there are %v %s, and were %v", after, whose, before)
		}
	}
	if n.labelled("pushgate_caller_refusals_total", map[string]string{"reason": "key"}) != 0 {
		t.Error("a check of health was refused")
	}
}
