// Package rpc serves the gRPC API of proto/pushgate/v1. It translates between
// the API's messages and the engine's, and decides nothing about delivery.
package rpc

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/server/admission"
	"pushgate/server/audit"
	"pushgate/server/auth/caller"
)

// Options are the settings of a Server.
type Options struct {
	// Version, Node and Driver are told by Stats.
	Version, Node, Driver string
	// MaxMessage is the greatest number of bytes of one request; 16 MiB if it is 0.
	MaxMessage int
	// Reflection lets callers ask for the API's description.
	Reflection bool
	// WriteStall is how long a subscriber's call may leave a response unread before
	// it is ended; 10 s if it is 0.
	WriteStall time.Duration
	// Gate lets sessions of subscribers in; nil lets in all.
	Gate *admission.Gate
	// Sockets bounds those of callers; nil: there may be any number.
	Sockets *admission.Sockets
	// Callers says who calls, and what that one may do; nil: everybody, everything.
	Callers *caller.Directory
	// Audit records who was refused, who called and what operators did; nil: nothing.
	Audit *audit.Log
	// Secure are the credentials of TLS; nil: the server speaks plain text.
	Secure credentials.TransportCredentials
	// Process is what Drain and ReloadConfiguration ask; nil: they are not implemented.
	Process  Process
	Logger   *slog.Logger
	Registry prometheus.Registerer
}

// Process is the process that a Server is part of. Its methods are safe for
// concurrent use.
type Process interface {
	// Drain begins the end of the process, which goes on when it has returned. It
	// answers how long it takes until the last connection is told to close. Twice
	// is safe.
	Drain() (period time.Duration)
	// Reload reads the configuration again and applies what can be. When it fails no
	// setting has changed, and the error says in one line what is wrong.
	Reload() (Reloaded, error)
}

// Reloaded is what became of a configuration that was read again.
type Reloaded struct {
	Applied, Restart []string // the settings that changed, and apply now or after a restart
	Problems         []string // what goes on as it was beside settings, a line each
}

// Server is the gRPC interface of one node. Its goroutines end with Stop; the
// engine stays the caller's, and must outlive it.
type Server struct {
	engine  *push.Engine
	options Options
	grpc    *grpc.Server
	health  *health.Server
	metrics *metrics
	faults  faults
	streams streams
	// watches are those under way by connections on which nobody is known.
	watches atomic.Int64

	draining atomic.Bool
	stop     sync.Once
	// stopped ends when streams have to end; end ends it. stopping is what it closes.
	stopped  context.Context
	end      context.CancelFunc
	stopping <-chan struct{}
	period   time.Duration // over which subscribers are sent away; set before stopped ends
	// readers are the goroutines that receive from streams, and send to
	// subscribers: one that waits for its caller ends only after its handler has.
	readers sync.WaitGroup
}

// The bounds of what a peer may ask for.
const (
	defaultMaxMessage = 16 << 20
	defaultWriteStall = 10 * time.Second
	maxStreams        = 1024 // under way on one connection
	maxHeaderBytes    = 64 << 10
	connectTimeout    = 10 * time.Second
)

// Peers may ping every 10 s, with or without calls; ones that do not answer
// within 10 s after half a minute of silence are gone. So are those that do, when there
// was no call for half an hour: they connect again by themselves for the next one.
var (
	keepalivePolicy = keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}
	keepaliveParams = keepalive.ServerParameters{MaxConnectionIdle: 30 * time.Minute, Time: 30 * time.Second, Timeout: 10 * time.Second}
)

// New makes a server on a running engine.
func New(e *push.Engine, o Options) *Server {
	if o.MaxMessage == 0 {
		o.MaxMessage = defaultMaxMessage
	}
	if o.WriteStall == 0 {
		o.WriteStall = defaultWriteStall
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	s := &Server{
		engine: e, options: o, health: health.NewServer(), metrics: newMetrics(o.Registry),
		faults: faults{logger: o.Logger},
	}
	s.stopped, s.end = context.WithCancel(context.Background())
	s.stopping = s.stopped.Done()
	secure := o.Secure
	if secure == nil {
		secure = insecure.NewCredentials()
	}
	s.grpc = grpc.NewServer(
		grpc.Creds(handshakes{secure}),
		grpc.InTapHandle(s.knock),
		grpc.MaxRecvMsgSize(o.MaxMessage),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.ConnectionTimeout(connectTimeout),
		grpc.KeepaliveEnforcementPolicy(keepalivePolicy),
		grpc.KeepaliveParams(keepaliveParams),
		grpc.WaitForHandlers(true),
		grpc.UnknownServiceHandler(s.unknown),
		grpc.ChainUnaryInterceptor(s.measureUnary, s.recoverUnary, s.admitUnary),
		grpc.ChainStreamInterceptor(s.measureStream, s.recoverStream, s.admitStream, s.interruptStream),
	)
	pb.RegisterPublishServiceServer(s.grpc, &publishService{server: s})
	pb.RegisterControlServiceServer(s.grpc, &controlService{server: s})
	pb.RegisterSubscribeServiceServer(s.grpc, &subscribeService{server: s})
	healthv1.RegisterHealthServer(s.grpc, s.health)
	if o.Reflection {
		reflection.Register(s.grpc)
	}
	s.SetServing(e.Serving())
	return s
}

// Serve accepts connections until Stop, and answers nil then.
func (s *Server) Serve(l net.Listener) error {
	if err := s.grpc.Serve(s.options.Sockets.Listener(l)); !errors.Is(err, grpc.ErrServerStopped) {
		return err
	}
	return nil
}

// servicePrefix is what the names of the project's own services begin with.
const servicePrefix = "pushgate.v1."

// SetServing answers health checks: for the server as a whole, and for each
// service by its name. After BeginDrain nothing serves.
func (s *Server) SetServing(serving bool) {
	state := healthv1.HealthCheckResponse_NOT_SERVING
	if serving {
		state = healthv1.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus("", state)
	for name := range s.grpc.GetServiceInfo() {
		if strings.HasPrefix(name, servicePrefix) {
			s.health.SetServingStatus(name, state)
		}
	}
}

// BeginDrain says in health checks and Stats that the server ends; calls go on
// being answered until Stop.
func (s *Server) BeginDrain() {
	s.health.Shutdown()
	s.draining.Store(true)
}

// Stop takes no more calls and ends the streams; calls and publishes under way
// are answered. When ctx ends before that, what is left is cut off. It returns
// when no goroutine is left. Twice is safe.
func (s *Server) Stop(ctx context.Context, period time.Duration) {
	s.BeginDrain()
	s.stop.Do(func() {
		s.period = period
		s.end()
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.grpc.GracefulStop()
	}()
	s.seeOff(ctx, done)
	s.readers.Wait()
}

// strangersInterval is how often strangers are sent away who were accepted at the last
// moment.
const strangersInterval = 200 * time.Millisecond

// seeOff waits until done is closed, and hastens that when ctx ends. Strangers are not
// waited for: they have no calls that would have to be answered.
func (s *Server) seeOff(ctx context.Context, done <-chan struct{}) {
	tick := time.NewTicker(strangersInterval)
	defer tick.Stop()
	for {
		s.options.Sockets.CloseStrangers()
		select {
		case <-done:
			return
		case <-ctx.Done():
			s.grpc.Stop()
			<-done
			return
		case <-tick.C:
		}
	}
}
