package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"pushgate/server/audit"
	"pushgate/server/origin"
)

// maxScrapes is how many may read the metrics at the same time.
const maxScrapes = 16

// operate adds what is for operators.
func operate(mux *http.ServeMux, registry *prometheus.Registry, profiles bool) {
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry, MaxRequestsInFlight: maxScrapes}))
	if profiles {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
}

// secured tells browsers to take an answer for nothing but what it says it is.
func secured(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		h.ServeHTTP(w, r)
	})
}

// OperationsOptions are the settings of Operations.
type OperationsOptions struct {
	// Registry is what /metrics shows.
	Registry *prometheus.Registry
	// Pprof serves /debug/pprof/.
	Pprof bool
	// Secret is what requests have to bring as bearer token; "": nothing. Loopback then
	// serves them only under names of this machine: see origin.Fixed.
	Secret   string
	Loopback bool
	// Audit records who does not bring it; nil: nothing.
	Audit  *audit.Log
	Logger *slog.Logger
}

// Operations serves metrics, health and profiles to operators, on a listener of its
// own. Its methods are safe for concurrent use.
type Operations struct{ http *http.Server }

// operatorTimeout bounds the reading of a request of an operator.
const operatorTimeout = 10 * time.Second

// NewOperations makes the operators' side of a Server; Close ends it.
func NewOperations(of *Server, o OperationsOptions) *Operations {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", of.healthz)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		status, body := of.readiness()
		answer(w, status, body)
	})
	operate(mux, o.Registry, o.Pprof)
	var handler http.Handler = mux
	switch {
	case o.Secret != "":
		handler = guarded(mux, o.Secret, o.Audit)
	case o.Loopback:
		handler = only(func(r *http.Request) bool { return origin.Fixed(r.Host) }, mux)
	}
	return &Operations{http: &http.Server{
		Handler: secured(handler), ReadHeaderTimeout: operatorTimeout, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}}
}

// guarded lets those in who know the secret. How long it takes to say no tells
// nothing of it.
func guarded(h http.Handler, secret string, record *audit.Log) http.Handler {
	want := sha256.Sum256([]byte(secret))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, brought, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(brought))
		if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) == 0 {
			remote, _ := netip.ParseAddrPort(r.RemoteAddr) // invalid for Unix sockets
			record.Failed(audit.SideAdmin, remote.Addr(), "the secret is not there, or wrong")
			w.Header().Set("WWW-Authenticate", "Bearer")
			answer(w, http.StatusUnauthorized, map[string]any{"code": "unauthenticated", "message": "bring the secret of admin.token_file as bearer token"})
			return
		}
		h.ServeHTTP(w, r)
	})
}

// Serve answers requests until Close; then it returns nil.
func (o *Operations) Serve(l net.Listener) error {
	if err := o.http.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving operators: %w", err)
	}
	return nil
}

// Close cuts off what is under way.
func (o *Operations) Close() { _ = o.http.Close() }
