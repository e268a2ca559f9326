package rpc_test

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/test/bufconn"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/server/admission"
	"pushgate/server/rpc"
	"pushgate/store"
	"pushgate/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is a server on a real store, and a connection to it.
type node struct {
	t         testing.TB
	store     *faulty
	engine    *push.Engine
	server    *rpc.Server
	process   process
	gate      *admission.Gate
	log       logged
	registry  *prometheus.Registry
	from      origin
	dial      func(context.Context) (net.Conn, error)
	conn      *grpc.ClientConn
	publish   pb.PublishServiceClient
	control   pb.ControlServiceClient
	subscribe pb.SubscribeServiceClient
}

const (
	ephemeralNamespace = "chat"
	earliestNamespace  = "audit"
)

func start(t testing.TB, change ...func(*push.Config)) *node {
	t.Helper()
	return startWith(t, func(*node, *rpc.Options) {}, change...)
}

// startWith starts a node whose server may have other options.
func startWith(t testing.TB, options func(*node, *rpc.Options), change ...func(*push.Config)) *node {
	t.Helper()
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "pushgate.db"), sqlite.Options{Relaxed: true})
	must(t, err)
	_, _, err = db.Migrate(context.Background())
	must(t, err)
	n := &node{t: t, store: &faulty{Store: db, blocked: make(chan int)}, registry: prometheus.NewRegistry()}
	cfg := push.DefaultConfig()
	cfg.Node = "node-1"
	cfg.Registry = n.registry
	logger := slog.New(slog.NewTextHandler(&n.log, nil))
	chat, audit := push.DefaultNamespace(), push.DefaultNamespace()
	chat.Durable = false
	audit.Start = store.StartEarliest
	cfg.Namespaces.ByName = map[string]push.Namespace{ephemeralNamespace: chat, earliestNamespace: audit}
	for _, c := range change {
		c(&cfg)
	}
	n.engine, err = push.New(n.store, cfg)
	must(t, err)
	n.engine.Start()
	n.gate = admission.NewGate(admission.Limits{}, logger, n.registry)
	o := rpc.Options{
		Version: "1.2.3", Node: "node-1", Driver: "sqlite", Reflection: true, Process: &n.process, Logger: logger, Registry: n.registry,
		Gate: n.gate,
	}
	options(n, &o)
	n.server = rpc.New(n.engine, o)
	l := bufconn.Listen(1 << 20)
	served := make(chan error, 1)
	go func() { served <- n.server.Serve(n.from.over(l)) }()
	n.dial = l.DialContext
	n.over(n.connect())
	t.Cleanup(func() {
		n.store.release()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		n.server.Stop(ctx, 0)
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		n.engine.Stop()
		must(t, db.Close())
	})
	return n
}

// connect opens one more client connection.
func (n *node) connect(options ...grpc.DialOption) *grpc.ClientConn {
	n.t.Helper()
	options = append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return n.dial(ctx) }),
	}, options...)
	conn, err := grpc.NewClient("passthrough:///pushgate", options...)
	must(n.t, err)
	n.t.Cleanup(func() { _ = conn.Close() }) // a test may have closed it
	return conn
}

// over has calls go over a connection.
func (n *node) over(conn *grpc.ClientConn) {
	n.conn = conn
	n.publish = pb.NewPublishServiceClient(conn)
	n.control = pb.NewControlServiceClient(conn)
	n.subscribe = pb.NewSubscribeServiceClient(conn)
}

// send publishes messages to a channel, one after the other.
func (n *node) send(channel string, payloads ...string) (last *pb.PublishResponse) {
	n.t.Helper()
	for _, payload := range payloads {
		last = got(n.publish.Publish(patient(n.t), &pb.PublishRequest{Channel: channel, Data: []byte(payload)}))(n.t)
	}
	return last
}

// subscription creates a durable subscription.
func (n *node) subscription(subscriber, channel, from string) *pb.Subscription {
	n.t.Helper()
	return got(n.control.CreateSubscription(patient(n.t), &pb.CreateSubscriptionRequest{
		Subscriber: subscriber, Channel: channel, From: from,
	}))(n.t).GetSubscription()
}

// stop begins a stop, and answers what is closed when it is over.
func (n *node) stop() (stopped <-chan struct{}) {
	n.t.Helper()
	// It ends as soon as streams are told to.
	watch := got(healthv1.NewHealthClient(n.conn).Watch(patient(n.t), &healthv1.HealthCheckRequest{}))(n.t)
	receive(n.t, watch)
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.server.Stop(patient(n.t), 0)
	}()
	for {
		if _, err := watch.Recv(); err != nil {
			wantCode(n.t, err, codes.Unavailable)
			return done
		}
	}
}
