package ws

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"pushgate/push"
	"pushgate/push/wire"
	"pushgate/server/admission"
	"pushgate/server/audit"
	"pushgate/server/origin"
)

// Subprotocol is the name of protocol version 1 (RFC 6455 §1.9).
const Subprotocol = "pushgate.v1.json"

// maxChannels is how many channels one upgrade may name.
const maxChannels = 100

// Options are the settings of a Server.
type Options struct {
	// MaxFrame is the greatest length of a client's frame in bytes.
	MaxFrame int
	// AllowedOrigins are the origins of pages that may connect, and Secure says that
	// the server is reached by TLS: see origin.Policy.
	AllowedOrigins []string
	Secure         bool
	// HeartbeatInterval is the time between pings, 25 s if it is 0; PongTimeout how
	// long a client may be silent after one, 10 s if it is 0.
	HeartbeatInterval, PongTimeout time.Duration
	// EgressBytes and EgressTotalBytes are what may be sent in a second, on one
	// connection and on all; 0 is no bound.
	EgressBytes, EgressTotalBytes int
	// Epoll waits for connections by an epoll instance where the system has it
	// (Linux), instead of a goroutine for each.
	Epoll bool
	// Tokens lets clients do what their tokens say; nil: clients need none, and may do
	// everything.
	Tokens *Tokens
	// Consent is asked for subscriptions: see push.Connection.
	Consent push.Consent
	// Failures slows down addresses that show bad tokens; nil: none.
	Failures *admission.Failures
	// Audit records who has not shown who it is; nil: nothing.
	Audit *audit.Log
	// Gate lets connections in; nil lets in all. Proxies tell their addresses.
	Gate    *admission.Gate
	Proxies admission.Proxies
	// Compression offers permessage-deflate; nil: it is refused.
	Compression *Compression
	// Registry gets the metrics of compression.
	Registry prometheus.Registerer
	Logger   *slog.Logger
}

// Server upgrades HTTP requests and carries their sessions. It is an
// http.Handler, safe for concurrent use.
type Server struct {
	engine  *push.Engine
	options Options
	writers []*writer
	egress  egress
	next    atomic.Uint64
	origins atomic.Pointer[[]string]

	authentications authentications

	compressor *compressor // nil without Options.Compression

	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	running  sync.WaitGroup // connections, writers, drainers, heartbeats, compressions
	draining atomic.Bool
	readers  readers
	tier     tier

	mu    sync.Mutex
	conns map[*conn]struct{}
	empty chan struct{} // closed when draining and the last connection is gone
}

// New makes a Server and starts its writers; Close ends it.
func New(engine *push.Engine, options Options) *Server {
	options.HeartbeatInterval = cmp.Or(options.HeartbeatInterval, 25*time.Second)
	options.PongTimeout = cmp.Or(options.PongTimeout, 10*time.Second)
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{engine: engine, options: options, ctx: ctx, cancel: cancel, conns: make(map[*conn]struct{})}
	s.readers.waiting = make(chan *conn)
	s.tier = newTier(s)
	s.egress.each, s.egress.all = options.EgressBytes, options.EgressTotalBytes
	s.AllowOrigins(options.AllowedOrigins)
	s.authentications = newAuthentications(options.Tokens, options.Registry)
	for range runtime.GOMAXPROCS(0) {
		w := newWriter()
		s.writers = append(s.writers, w)
		s.running.Go(func() { w.run(ctx) })
	}
	s.running.Go(func() { s.heartbeats(ctx) })
	if options.Compression != nil {
		s.compressor = newCompressor(engine, *options.Compression, newCompressionMetrics(options.Registry))
		for _, d := range s.compressor.deflaters {
			s.running.Go(func() { s.compressor.run(ctx, d) })
		}
	}
	return s
}

// ServeHTTP upgrades a request. A refusal is an HTTP answer with a JSON body,
// before any WebSocket work.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		refuse(w, http.StatusServiceUnavailable, wire.CodeUnavailable, "the node is shutting down; connect to another", push.RetryJitter())
		return
	}
	if !asksToUpgrade(w, r) {
		return
	}
	client, address := s.options.Proxies.Client(r)
	place, reason := s.options.Gate.Enter(client)
	if reason != admission.None {
		reason.Refuse(w)
		return
	}
	admission.Arrived(r.Context())
	connected := false
	defer func() {
		if !connected {
			place.Leave()
		}
	}()
	connected = s.connect(w, r, place, client, address)
}

// AllowOrigins replaces Options.AllowedOrigins for the requests from then on. The
// list must not be changed afterwards.
func (s *Server) AllowOrigins(origins []string) { s.origins.Store(&origins) }

// connect begins the session of a client that was let in and upgrades its
// request. It says false when the place is still the caller's to leave.
func (s *Server) connect(w http.ResponseWriter, r *http.Request, place *admission.Place, from netip.Addr, address string) bool {
	policy := origin.Policy{Allowed: *s.origins.Load(), Secure: s.options.Secure, Unguarded: s.options.Tokens == nil}
	if !policy.Allows(r.Header.Values("Origin"), r.Host) {
		s.options.Audit.Failed(audit.SideWebSocket, from, "a page of an origin that may not connect")
		refuse(w, http.StatusForbidden, wire.CodePermissionDenied, "pages of this origin may not connect; the operator can allow it by http.allowed_origins", 0)
		return false
	}
	if !offers(r.Header) {
		refuse(w, http.StatusBadRequest, wire.CodeInvalidArgument, "unknown WebSocket subprotocol; use "+Subprotocol+" or none", 0)
		return false
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		refuse(w, http.StatusBadRequest, wire.CodeInvalidArgument, "the query cannot be read: what is no letter or digit in a value has to be escaped, as by encodeURIComponent", 0)
		return false
	}
	channels := query["channel"]
	if len(channels) > maxChannels {
		refuse(w, http.StatusBadRequest, wire.CodeInvalidArgument, "more than "+strconv.Itoa(maxChannels)+" channels in the query; subscribe to the rest by frames", 0)
		return false
	}
	subscriber, authentication, err := s.authenticate(r, query, place, from)
	if err != nil {
		s.refuseConnect(w, err)
		return false
	}
	if reason := place.Identify(subscriber); reason != admission.None {
		reason.Refuse(w)
		return false
	}
	c := &conn{server: s, admitted: place, writer: s.writers[s.next.Add(1)%uint64(len(s.writers))]}
	session, err := s.engine.Connect(r.Context(), push.Connection{
		Subscriber:     subscriber,
		Authentication: authentication,
		Consent:        s.options.Consent,
		Restore:        query.Get("restore") != "none",
		Channels:       channels,
		Info:           push.SessionInfo{RemoteAddress: address, UserAgent: clip(r.UserAgent()), Protocol: "websocket"},
		Wake:           c.wake,
	})
	if err != nil {
		s.refuseConnect(w, err)
		return false
	}
	c.session = session
	return s.upgrade(w, r, c)
}

// upgrade does the handshake and leaves the connection to its reader, and its
// place to untrack. It says false when the node drains.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request, c *conn) bool {
	if !s.track(c) {
		c.session.Detach(push.CauseDrain)
		refuse(w, http.StatusServiceUnavailable, wire.CodeUnavailable, "the node is shutting down; connect to another", push.RetryJitter())
		return false
	}
	h := &hijacker{ResponseWriter: w, conn: c}
	socket, err := websocket.Accept(h, r, &websocket.AcceptOptions{
		Subprotocols:       []string{Subprotocol},
		InsecureSkipVerify: true, // the origin was checked
		CompressionMode:    s.options.mode(),
		OnPongReceived:     func(_ context.Context, payload []byte) { c.pong(payload) }, // in the middle of a message
	})
	if err != nil {
		c.session.Detach(push.CauseLost)
		s.untrack(c)
		return true
	}
	socket.SetReadLimit(-1) // the limit is ours: coder's own would close without a closing frame
	c.socket, c.in = socket, h.reader
	h.settle()
	c.session.Opened()
	if c.canWait() && !h.pipelined {
		s.tier.await(c)
	} else {
		s.readers.take(s, c)
	}
	c.writer.add(c)
	return true
}

// track counts a connection and its reader in, unless the server drains.
func (s *Server) track(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() {
		return false
	}
	s.conns[c] = struct{}{}
	s.running.Add(1)
	return true
}

func (s *Server) untrack(c *conn) {
	c.admitted.Leave()
	if c.inflater != nil {
		s.compressor.metrics.connections.Dec()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.running.Done()
	if s.empty != nil && len(s.conns) == 0 {
		close(s.empty)
		s.empty = nil
	}
}

func clip(text string) string {
	if len(text) > 256 {
		return text[:256]
	}
	return text
}
