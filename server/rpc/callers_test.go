package rpc_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/server/admission"
	"pushgate/server/auth/caller"
	"pushgate/server/rpc"
)

// The keys of the callers in these tests.
var (
	adminKey, readKey, publishKey, subscribeKey = caller.NewKey(), caller.NewKey(), caller.NewKey(), caller.NewKey()
	revokedKey, expiredKey, elsewhereKey        = caller.NewKey(), caller.NewKey(), caller.NewKey()
)

func hashes(keys ...string) (all []caller.Hash) {
	for _, key := range keys {
		all = append(all, caller.HashOf(key))
	}
	return all
}

var (
	admin      = caller.Settings{Name: "admin", Keys: hashes(adminKey), Control: true}
	reader     = caller.Settings{Name: "reader", Keys: hashes(readKey), Read: true}
	publisher  = caller.Settings{Name: "publisher", Keys: hashes(publishKey), Publish: []string{"news", "a", "orders:*"}}
	subscriber = caller.Settings{
		Name: "subscriber", Keys: hashes(subscribeKey), Subscribe: []string{"news", "orders:*"}, Subscribers: []string{"alice", "worker-*"},
	}
	everything = caller.Settings{Publish: []string{"*"}, Subscribe: []string{"*"}, Subscribers: []string{"*"}, Control: true}
	revoked    = with(everything, "revoked", revokedKey)
	expired    = with(everything, "expired", expiredKey)
	elsewhere  = with(everything, "elsewhere", elsewhereKey)
	callers    = []caller.Settings{admin, reader, publisher, subscriber, revoked, expired, elsewhere}
)

func init() {
	callers[5].Expires = time.Now().Add(-time.Minute)
	callers[6].Networks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
}

func with(s caller.Settings, name, key string) caller.Settings {
	s.Name, s.Keys = name, hashes(key)
	return s
}

// guarded starts a node that these callers may call.
func guarded(t *testing.T, o caller.Options) (*node, *caller.Directory) {
	t.Helper()
	var directory *caller.Directory
	n := startWith(t, func(n *node, options *rpc.Options) {
		o.Registry, o.Revoked = n.registry, n.engine.Revoked
		directory = got(caller.NewDirectory(o))(t)
		options.Callers = directory
	})
	return n, directory
}

// as is the node for calls with a key, over a connection of its own.
func (n *node) as(key string) *node {
	n.t.Helper()
	other := &node{t: n.t, store: n.store, engine: n.engine, server: n.server, dial: n.dial}
	other.over(n.connect(grpc.WithPerRPCCredentials(bearer(key))))
	return other
}

type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (bearer) RequireTransportSecurity() bool { return false }

// bearing is a context of calls with a key.
func bearing(ctx context.Context, key string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+key)
}

// Everybody may ask for the health; the API's description is for callers.
func TestWhatNeedsNoRight(t *testing.T) {
	n, _ := guarded(t, caller.Options{Callers: callers})
	got(healthv1.NewHealthClient(n.conn).Check(patient(t), &healthv1.HealthCheckRequest{}))(t)
	describe := func(n *node) error {
		stream := got(reflectionv1.NewServerReflectionClient(n.conn).ServerReflectionInfo(patient(t)))(t)
		// What comes of it Recv tells.
		_ = stream.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}})
		_, err := stream.Recv()
		return err
	}
	wantCode(t, describe(n), codes.Unauthenticated)
	must(t, describe(n.as(publishKey)))
}

// One forbidden channel does not sink the rest of a batch, a broadcast or a stream.
func TestForbiddenItems(t *testing.T) {
	n, _ := guarded(t, caller.Options{Callers: callers})
	p := n.as(publishKey)
	p.send("orders:1", "1")
	_, err := p.publish.Publish(patient(t), &pb.PublishRequest{Channel: "other", Data: []byte("1")})
	wantCode(t, err, codes.PermissionDenied)

	channels := []string{"orders:1", "orders", "news", "orders:2:items", "News"}
	want := []codes.Code{codes.OK, codes.PermissionDenied, codes.OK, codes.OK, codes.PermissionDenied}
	check := func(what string, results []*pb.PublishResult) {
		t.Helper()
		for i, r := range results {
			if code := codes.Code(r.GetError().GetCode()); code != want[i] {
				t.Errorf("%s: %s answers %v, want %v", what, channels[i], code, want[i])
			}
		}
	}
	batch := &pb.PublishBatchRequest{}
	for _, c := range channels {
		batch.Requests = append(batch.Requests, &pb.PublishRequest{Channel: c, Data: []byte("1")})
	}
	check("batch", got(p.publish.PublishBatch(patient(t), batch))(t).GetResults())
	check("broadcast", got(p.publish.Broadcast(patient(t), &pb.BroadcastRequest{Channels: channels, Data: []byte("1")}))(t).GetResults())
	stream := got(p.publish.PublishStream(patient(t)))(t)
	for i, c := range channels {
		must(t, stream.Send(item(uint64(i), c, "1")))
	}
	results := make([]*pb.PublishResult, len(channels))
	for range channels {
		r := receive(t, stream)
		results[r.GetCorrelationId()] = &pb.PublishResult{Result: &pb.PublishResult_Error{Error: r.GetError()}}
	}
	check("stream", results)
	for channel, want := range map[string]uint64{"orders:1": 4, "news": 3, "orders:2:items": 3} {
		view := got(n.as(readKey).control.GetChannel(patient(t), &pb.GetChannelRequest{Channel: channel}))(t)
		if seq := view.GetChannel().GetNewestSeq(); seq != want {
			t.Errorf("%s has %d messages, want %d", channel, seq, want)
		}
	}
	if list := got(n.as(readKey).control.ListChannels(patient(t), &pb.ListChannelsRequest{}))(t).GetChannels(); len(list) != 3 {
		t.Errorf("there are %d channels, want those that may be published to", len(list))
	}
}

// A caller is only the subscribers, and gets only the channels, that it may.
func TestWhoSubscribes(t *testing.T) {
	n, _ := guarded(t, caller.Options{Callers: callers})
	a, s := n.as(adminKey), n.as(subscribeKey)
	a.subscription("alice", "news", "earliest")
	a.subscription("alice", "secret", "earliest")
	for _, name := range []string{"bob", "worker", "Alice", "alice/"} {
		stream := got(s.subscribe.Subscribe(patient(t)))(t)
		must(t, stream.Send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Connect{Connect: &pb.Connect{Subscriber: name}}}))
		_, err := stream.Recv()
		wantCode(t, err, codes.PermissionDenied)
	}
	s.open("worker-7").subscribe("orders:1")
	s.open("").subscribe("news", live)
	c := s.open("alice")
	if restored := c.connected.GetSubscriptions(); len(restored) != 1 || restored[0].GetChannel() != "news" {
		t.Errorf("restored are %v, want news only", restored)
	}
	for _, from := range []string{"", "earliest", "cursor", "3"} {
		c.send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Subscribe{Subscribe: &pb.Subscribe{Id: 1, Channel: "secret", From: from}}})
		if r := c.next(); codes.Code(r.GetError().GetStatus().GetCode()) != codes.PermissionDenied {
			t.Errorf("subscribing from %q answers %v", from, r)
		}
	}
	c.send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Unsubscribe{Unsubscribe: &pb.Unsubscribe{Id: 2, Channel: "secret", Forget: true}}})
	if r := c.next(); codes.Code(r.GetError().GetStatus().GetCode()) != codes.PermissionDenied {
		t.Errorf("forgetting answers %v", r)
	}
	// What a backend creates for the subscriber is not opened here either.
	a.subscription("alice", "secret2", "earliest")
	c.ping()
}

// Streams end when their key is taken away, and when what it may do changes.
func TestStreamsOfCallersThatMayNotGoOn(t *testing.T) {
	for what, c := range map[string]struct {
		change func(s caller.Settings) []caller.Settings
		want   codes.Code
	}{
		"key removed":    {func(caller.Settings) []caller.Settings { return nil }, codes.Unauthenticated},
		"key replaced":   {func(s caller.Settings) []caller.Settings { return []caller.Settings{with(s, "all", adminKey)} }, codes.Unauthenticated},
		"rights changed": {func(s caller.Settings) []caller.Settings { s.Publish = []string{"x"}; return []caller.Settings{s} }, codes.Unavailable},
	} {
		t.Run(what, func(t *testing.T) {
			key := caller.NewKey()
			all := with(everything, "all", key)
			n, directory := guarded(t, caller.Options{Callers: []caller.Settings{all}})
			ends := n.streams(key)
			all.Keys = hashes(key, readKey)
			must(t, directory.Set([]caller.Settings{all})) // nothing that concerns them
			n.as(key).send("after", "1")
			must(t, directory.Set(c.change(all)))
			for stream, next := range ends {
				if err := ending(next); status.Code(err) != c.want {
					t.Errorf("%s ends by %v, want %v", stream, err, c.want)
				}
			}
			if what != "rights changed" {
				_, err := n.as(key).publish.Publish(patient(t), &pb.PublishRequest{Channel: "a", Data: []byte("1")})
				wantCode(t, err, codes.Unauthenticated)
			}
		})
	}
}

// streams opens one stream of each kind by a key, and answers how each goes on.
func (n *node) streams(key string) map[string]func() error {
	n.t.Helper()
	k := n.as(key)
	publish := got(k.publish.PublishStream(patient(n.t)))(n.t)
	must(n.t, publish.Send(item(1, "a", "1")))
	receive(n.t, publish)
	stats := got(k.control.WatchStats(patient(n.t), &pb.WatchStatsRequest{}))(n.t)
	receive(n.t, stats)
	deliveries := got(k.control.WatchDeliveries(patient(n.t), &pb.WatchDeliveriesRequest{}))(n.t)
	got(deliveries.Header())(n.t)
	c := k.open("alice")
	c.subscribe("news")
	describing := got(reflectionv1.NewServerReflectionClient(k.conn).ServerReflectionInfo(patient(n.t)))(n.t)
	must(n.t, describing.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}))
	receive(n.t, describing)
	return map[string]func() error{
		"PublishStream":   func() error { _, err := publish.Recv(); return err },
		"WatchStats":      func() error { _, err := stats.Recv(); return err },
		"WatchDeliveries": func() error { _, err := deliveries.Recv(); return err },
		"Subscribe":       func() error { _, err := c.stream.Recv(); return err },
		"reflection":      func() error { _, err := describing.Recv(); return err },
	}
}

// ending is the error that a stream ends by.
func ending(next func() error) error {
	for {
		if err := next(); err != nil {
			return err
		}
	}
}

// The last caller that is taken away opens nothing.
func TestNoCallersLeft(t *testing.T) {
	n, directory := guarded(t, caller.Options{Callers: []caller.Settings{admin}})
	must(t, directory.Set(nil))
	_, err := n.control.GetStats(patient(t), &pb.GetStatsRequest{})
	wantCode(t, err, codes.Unauthenticated)
}

// Where there are no callers, everybody is one; from the first on, nobody else.
func TestFirstCaller(t *testing.T) {
	n, directory := guarded(t, caller.Options{})
	got(n.control.GetStats(patient(t), &pb.GetStatsRequest{}))(t)
	must(t, directory.Set([]caller.Settings{admin}))
	_, err := n.control.GetStats(patient(t), &pb.GetStatsRequest{})
	wantCode(t, err, codes.Unauthenticated)
	got(n.as(adminKey).control.GetStats(patient(t), &pb.GetStatsRequest{}))(t)
}

func TestRateOfCaller(t *testing.T) {
	slow := caller.Settings{Name: "slow", Keys: hashes(publishKey), Publish: []string{"*"}, Messages: 3}
	heavy := caller.Settings{Name: "heavy", Keys: hashes(readKey), Publish: []string{"*"}, Bytes: 10}
	n, _ := guarded(t, caller.Options{Callers: []caller.Settings{slow, heavy, admin}})
	requests := make([]*pb.PublishRequest, 100)
	for i := range requests {
		requests[i] = &pb.PublishRequest{Channel: "a", Data: []byte(`"1234567"`)}
	}
	for key, least := range map[string]int{publishKey: 3, readKey: 1} {
		refused := 0
		for _, r := range got(n.as(key).publish.PublishBatch(patient(t), &pb.PublishBatchRequest{Requests: requests}))(t).GetResults() {
			if r.GetError() == nil {
				continue
			}
			refused++
			st := status.FromProto(r.GetError())
			if wantCode(t, st.Err(), codes.ResourceExhausted); retryOf(st) <= 0 {
				t.Fatalf("%v does not say when to try again", st)
			}
		}
		if refused == 0 || refused > len(requests)-least {
			t.Errorf("%d of %d are refused", refused, len(requests))
		}
		eventually(t, "the caller may publish again", func() bool {
			_, err := n.as(key).publish.Publish(patient(t), &pb.PublishRequest{Channel: "a", Data: []byte("1")})
			return err == nil
		})
	}
	// What is larger than a second's worth passes after a while, too.
	eventually(t, "a large message passes", func() bool {
		_, err := n.as(readKey).publish.Publish(patient(t), &pb.PublishRequest{Channel: "a", Data: []byte(`"123456789012345"`)})
		return err == nil
	})
}

func TestNetworksOfCaller(t *testing.T) {
	n, _ := guarded(t, caller.Options{Callers: callers})
	for address, want := range map[string]codes.Code{
		"10.1.2.3": codes.OK, "::ffff:10.1.2.3": codes.OK, "fd00::1": codes.OK, "11.0.0.1": codes.Unauthenticated, "::1": codes.Unauthenticated,
	} {
		n.from.set(address)
		_, err := n.as(elsewhereKey).control.GetStats(patient(t), &pb.GetStatsRequest{})
		if status.Code(err) != want {
			t.Errorf("from %s: %v, want %v", address, err, want)
		}
	}
}

// Who tries keys is slowed down; a good key goes on being one, from there too.
func TestWhoTriesKeys(t *testing.T) {
	n, _ := guarded(t, caller.Options{Callers: callers, Failures: admission.NewFailures(3)})
	n.from.set("192.0.2.1")
	tries := func() (err error) {
		_, err = n.as(caller.NewKey()).control.GetStats(patient(t), &pb.GetStatsRequest{})
		return err
	}
	eventually(t, "slowed down", func() bool {
		err := tries()
		if status.Code(err) == codes.ResourceExhausted {
			return true
		}
		wantCode(t, err, codes.Unauthenticated)
		return false
	})
	got(n.as(readKey).control.GetStats(patient(t), &pb.GetStatsRequest{}))(t)
	n.from.set("192.0.2.2")
	wantCode(t, tries(), codes.Unauthenticated)
}

// An answer repeats nothing of the key.
func TestKeysAreNotRepeated(t *testing.T) {
	n, _ := guarded(t, caller.Options{Callers: callers})
	key := caller.NewKey()
	_, err := n.as(key).control.GetStats(patient(t), &pb.GetStatsRequest{})
	if err == nil || strings.Contains(err.Error(), key[4:]) || strings.Contains(n.log.String(), key[4:]) {
		t.Errorf("%v", err)
	}
}
