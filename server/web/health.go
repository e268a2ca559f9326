package web

import (
	"net/http"
	"sync/atomic"
)

// state is what a node says of itself beside the engine.
type state struct{ draining atomic.Bool }

// healthz says that the process answers: whoever restarts it on failure must not
// do so because the store is away.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"status": "ok"})
}

// readyz says whether the node should get new clients and publishes, and to
// operators if not, why; in notes what else is wrong.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	status, body := s.readiness()
	if !s.open || s.local && !local(r) {
		body = map[string]any{"status": body["status"]}
	}
	answer(w, status, body)
}

func (s *Server) readiness() (status int, body map[string]any) {
	reasons := []string{}
	if s.state.draining.Load() {
		reasons = append(reasons, "draining: the node is shutting down")
	}
	if !s.engine.Serving() {
		reasons = append(reasons, "store: not available")
	}
	if s.unready != nil {
		reasons = append(reasons, s.unready()...)
	}
	body, status = map[string]any{"status": "ready", "reasons": reasons}, http.StatusOK
	if len(reasons) > 0 {
		body["status"], status = "not ready", http.StatusServiceUnavailable
	}
	if s.notes != nil {
		if notes := s.notes(); len(notes) > 0 {
			body["notes"] = notes
		}
	}
	return status, body
}
