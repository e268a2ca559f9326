package web

import (
	"net/http"
	"strings"

	"pushgate/server/origin"
)

// local says whether a request on an address that only this machine reaches was made on
// this machine, as far as it tells.
func local(r *http.Request) bool { return origin.Fixed(r.Host) && !forwarded(r.Header) }

// forwarded says whether a proxy has left its mark on a request.
func forwarded(h http.Header) bool {
	for name := range h {
		switch {
		case name == "Forwarded", name == "Via", name == "X-Real-Ip", strings.HasPrefix(name, "X-Forwarded-"):
			return true
		}
	}
	return false
}

// only refuses requests that are not as they should be on an address that is this
// machine's: those of pages under a name that somebody else has pointed here (DNS
// rebinding), and of proxies.
func only(fits func(*http.Request) bool, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !fits(r) {
			answer(w, http.StatusForbidden, map[string]any{"code": "permission_denied", "message": "this is served on this machine only, under names of its own, as localhost, and through no proxy; for others there is admin.address, with admin.token_file"})
			return
		}
		h.ServeHTTP(w, r)
	})
}
