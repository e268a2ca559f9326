// Package web is the HTTP side of a node: the WebSocket upgrade, health,
// metrics, profiles, and a page to try it with.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pushgate/push"
	"pushgate/server/admission"
	"pushgate/server/audit"
	"pushgate/server/front"
	"pushgate/server/ws"
)

// Options are the settings of a Server.
type Options struct {
	Version string
	Logger  *slog.Logger
	// Registry is what /metrics shows.
	Registry *prometheus.Registry
	// MaxFrame is the greatest length of a client's frame in bytes.
	MaxFrame int
	// AllowedOrigins and Secure: see ws.Options.
	AllowedOrigins []string
	Secure         bool
	// Operational serves what only operators should see: metrics, why the node is not
	// ready, a page to try it with, and with Pprof profiles. An Operations serves them
	// elsewhere.
	Operational bool
	// Local serves that only to requests that were made on this machine, under a name of
	// its own (see origin.Fixed) and through no proxy that says so.
	Local bool
	// Pprof serves /debug/pprof/ to operators.
	Pprof bool
	// HeartbeatInterval and PongTimeout: see ws.Options.
	HeartbeatInterval, PongTimeout time.Duration
	// EgressBytes and EgressTotalBytes: see ws.Options.
	EgressBytes, EgressTotalBytes int
	// Compression: see ws.Options.
	Compression *ws.Compression
	// Epoll: see ws.Options.
	Epoll bool
	// HandshakeTimeout bounds the reading of a request.
	HandshakeTimeout time.Duration
	// MaxHeader bounds a request's header in bytes; net/http adds 4 KiB.
	MaxHeader int
	// Tokens, Consent, Failures and Audit: see ws.Options.
	Tokens   *ws.Tokens
	Consent  push.Consent
	Failures *admission.Failures
	Audit    *audit.Log
	// Gate and Proxies: see ws.Options.
	Gate    *admission.Gate
	Proxies admission.Proxies
	// Handshakes bounds the sockets that are not connections yet.
	Handshakes *admission.Handshakes
	// Lost: see front.Options.
	Lost func(net.Conn, error)
	// Unready are reasons for which the node should get nobody new, beside its own;
	// nil: there are none.
	Unready func() []string
	// Notes are lines that /readyz shows of what is wrong without keeping the node
	// from serving; nil: there are none.
	Notes func() []string
}

// Server serves HTTP on one listener. Its methods are safe for concurrent use.
type Server struct {
	engine     *push.Engine
	ws         *ws.Server
	http       *http.Server
	handshakes *admission.Handshakes
	front      front.Options
	state      state
	open       bool // strangers may know why the node is not ready
	local      bool // but only those on this machine
	unready    func() []string
	notes      func() []string
}

const (
	// writeTimeout bounds how long a client may take to read an answer.
	writeTimeout = time.Minute
	// upgradePath is where clients connect.
	upgradePath = "/ws"
	// headSlack is what net/http adds to MaxHeaderBytes.
	headSlack = 4 << 10
)

// New makes a Server; Close ends it, served or not.
func New(engine *push.Engine, o Options) (*Server, error) {
	if o.HandshakeTimeout <= 0 {
		return nil, errors.New("web: HandshakeTimeout must be positive")
	}
	s := &Server{
		engine: engine, open: o.Operational, local: o.Local, handshakes: o.Handshakes, unready: o.Unready, notes: o.Notes,
		ws: ws.New(engine, ws.Options{
			MaxFrame: o.MaxFrame, AllowedOrigins: o.AllowedOrigins, Secure: o.Secure, Logger: o.Logger,
			HeartbeatInterval: o.HeartbeatInterval, PongTimeout: o.PongTimeout,
			EgressBytes: o.EgressBytes, EgressTotalBytes: o.EgressTotalBytes,
			Tokens: o.Tokens, Consent: o.Consent, Failures: o.Failures, Audit: o.Audit, Gate: o.Gate, Proxies: o.Proxies,
			Compression: o.Compression, Epoll: o.Epoll, Registry: o.Registry,
		}),
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+upgradePath, s.ws)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	if o.Operational {
		operational := http.NewServeMux()
		operate(operational, o.Registry, o.Pprof)
		operational.HandleFunc("GET /{$}", tryIt)
		if o.Local {
			mux.Handle("/", only(local, operational))
		} else {
			mux.Handle("/", operational)
		}
	}
	s.http = &http.Server{
		Handler:           secured(exact(mux)),
		ReadHeaderTimeout: o.HandshakeTimeout,
		ReadTimeout:       o.HandshakeTimeout, // of a body, which is read before the answer; from then on it does not count
		WriteTimeout:      writeTimeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    o.MaxHeader,
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}
	s.handshakes.Watch(s.http)
	s.front = front.Options{
		Path: upgradePath, Handler: secured(s.ws), Handshakes: s.handshakes,
		MaxHead: o.MaxHeader + headSlack, Timeout: o.HandshakeTimeout, Lost: o.Lost,
	}
	return s, nil
}

// Serve answers requests until Close; then it returns nil.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(front.Listen(s.handshakes.Listener(l), s.front)); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving HTTP: %w", err)
	}
	return nil
}

// AllowOrigins does what that of ws.Server does.
func (s *Server) AllowOrigins(origins []string) { s.ws.AllowOrigins(origins) }

// BeginDrain turns readiness off and refuses new upgrades; what is open goes on
// until Drain. Health and metrics go on being answered, but no connection is kept
// for a second request.
func (s *Server) BeginDrain() {
	s.state.draining.Store(true)
	s.ws.BeginDrain()
	s.http.SetKeepAlivesEnabled(false)
}

// Drain begins the drain if that was not done, and closes the connections, spread
// over the period; it waits until they are gone or ctx ends.
func (s *Server) Drain(ctx context.Context, period time.Duration) {
	s.BeginDrain()
	s.ws.Drain(ctx, period)
}

// Close cuts off what is left, and waits for every goroutine. Twice is safe.
func (s *Server) Close() {
	s.state.draining.Store(true)
	_ = s.http.Close()
	s.ws.Close()
}
