package admission

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// logInterval is the time between two log lines of one reason.
const logInterval = time.Second

// refusals counts who did not get in, and logs it at most once a second for each
// reason.
type refusals struct {
	logger *slog.Logger
	of     map[Reason]*refused // not changed any more
}

type refused struct {
	counter prometheus.Counter

	mu     sync.Mutex
	logged time.Time
	silent int // refusals since then
}

func newRefusals(logger *slog.Logger, registry prometheus.Registerer) *refusals {
	counters := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "pushgate_refused_connections_total", Help: "Connections that were not let in, by the limit that they met.",
	}, []string{"reason"})
	registry.MustRegister(counters)
	r := &refusals{logger: logger, of: make(map[Reason]*refused)}
	for _, reason := range reasons {
		r.of[reason] = &refused{counter: counters.WithLabelValues(string(reason))}
	}
	return r
}

func (r *refusals) add(reason Reason, from netip.Addr) {
	of := r.of[reason]
	of.counter.Inc()
	silent, due := of.due(time.Now())
	if !due {
		return
	}
	address := "" // a peer of a Unix socket, or gRPC
	if from.IsValid() {
		address = from.String()
	}
	r.logger.Warn("a connection was refused", "limit", string(reason), "address", address, "refused_since_last_line", silent+1)
}

// due says whether to log, and how many refusals were not logged before.
func (r *refused) due(now time.Time) (silent int, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.logged) < logInterval {
		r.silent++
		return 0, false
	}
	silent, r.silent, r.logged = r.silent, 0, now
	return silent, true
}
