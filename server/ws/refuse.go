package ws

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"pushgate/push"
	"pushgate/push/wire"
)

func (s *Server) refuseConnect(w http.ResponseWriter, err error) {
	e := push.AsError(err)
	status := http.StatusServiceUnavailable
	switch e.Code {
	case wire.CodeInvalidArgument:
		status = http.StatusBadRequest
	case wire.CodeUnauthenticated:
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	case wire.CodePermissionDenied:
		status = http.StatusForbidden
	case wire.CodeInternal:
		status = http.StatusInternalServerError
		s.options.Logger.Error("connecting failed", "error", err)
	}
	refuse(w, status, e.Code, e.Message, e.RetryAfter)
}

// refuse answers an upgrade that is not to be.
func refuse(w http.ResponseWriter, status int, code wire.Code, message string, retryAfter time.Duration) {
	if retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((retryAfter+time.Second-1)/time.Second)))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"code": code, "message": message})
}
