package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"pushgate/server/admission"
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
	// Failures slows down addresses that bring others; Audit records who does not bring it.
	// nil: nothing.
	Failures *admission.Failures
	Audit    *audit.Log
	// Gate counts the sockets that are cut off; not nil.
	Gate   *admission.Gate
	Logger *slog.Logger
}

// Operations serves metrics, health and profiles to operators, on a listener of its
// own. Its methods are safe for concurrent use.
type Operations struct {
	http       *http.Server
	handshakes *admission.Handshakes
}

const (
	// operatorTimeout bounds the reading of a request of an operator.
	operatorTimeout = 10 * time.Second
	// OperatorSockets is how many sockets an Operations holds of those who have not shown
	// the secret.
	OperatorSockets = 128
)

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
		handler = newGuard(o).admit(mux)
	case o.Loopback:
		handler = only(func(r *http.Request) bool { return origin.Fixed(r.Host) }, mux)
	}
	ops := &Operations{
		http: &http.Server{
			Handler: secured(handler), ReadHeaderTimeout: operatorTimeout, ReadTimeout: operatorTimeout, WriteTimeout: writeTimeout, IdleTimeout: time.Minute,
			ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
		},
		handshakes: admission.NewHandshakes(OperatorSockets, o.Gate, nil),
	}
	ops.handshakes.Watch(ops.http)
	return ops
}

// Serve answers requests until Close; then it returns nil.
func (o *Operations) Serve(l net.Listener) error {
	if err := o.http.Serve(o.handshakes.Listener(l)); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving operators: %w", err)
	}
	return nil
}

// Close cuts off what is under way.
func (o *Operations) Close() { _ = o.http.Close() }
