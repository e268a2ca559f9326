package push

import (
	"log/slog"
	"time"

	"pushgate/push/wire"
)

// watchdog tells of requests of clients that took long. Safe for concurrent use.
type watchdog struct {
	cfg     *Config
	metrics *Metrics
	log     *slog.Logger
	sparse  Sparse
}

func (w *watchdog) handled(s *Session, r wire.Request, took time.Duration) {
	observer, kind := w.metrics.requests[r.Type], r.Type
	if observer == nil {
		observer, kind = w.metrics.requests[otherRequest], otherRequest
	}
	observer.Observe(took.Seconds())
	if took < w.cfg.current().SlowRequest {
		return
	}
	w.metrics.slowRequests.WithLabelValues(kind).Inc()
	if ok, skipped := w.sparse.Allow(time.Now()); ok {
		w.log.Warn("a client's request took long", "took", took, "type", kind, "channel", clip(r.Channel),
			"connection", s.id, "subscriber", s.subscriber, "more", skipped)
	}
}
