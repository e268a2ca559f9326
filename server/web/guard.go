package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"pushgate/server/admission"
	"pushgate/server/audit"
)

// guard lets those in who know the secret. How long it takes to say no tells nothing
// of it.
type guard struct {
	want     [sha256.Size]byte
	failures *admission.Failures
	audit    *audit.Log
}

func newGuard(o OperationsOptions) *guard {
	return &guard{want: sha256.Sum256([]byte(o.Secret)), failures: o.Failures, audit: o.Audit}
}

// admit guards a handler. Who shows the secret is answered even where others from its
// address are slowed down, and its socket is not cut off for theirs.
func (g *guard) admit(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, brought, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got, bearer := sha256.Sum256([]byte(brought)), strings.EqualFold(scheme, "Bearer")
		if !bearer || subtle.ConstantTimeCompare(got[:], g.want[:]) == 0 {
			g.refuse(w, r, bearer)
			return
		}
		admission.Arrived(r.Context())
		h.ServeHTTP(w, r)
	})
}

// refuse answers who has not shown the secret, but maybe tried another.
func (g *guard) refuse(w http.ResponseWriter, r *http.Request, tried bool) {
	remote, _ := netip.ParseAddrPort(r.RemoteAddr) // invalid for Unix sockets
	from, now := remote.Addr().Unmap().WithZone(""), time.Now()
	if tried {
		if wait := g.failures.Wait(from, now); wait > 0 {
			g.audit.Failed(audit.SideAdmin, from, "too many wrong secrets")
			w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
			answer(w, http.StatusTooManyRequests, map[string]any{"code": "resource_exhausted", "message": "too many wrong secrets from this address; slow down"})
			return
		}
		g.failures.Failed(from, now)
	}
	g.audit.Failed(audit.SideAdmin, from, "the secret is not there, or wrong")
	w.Header().Set("WWW-Authenticate", "Bearer")
	answer(w, http.StatusUnauthorized, map[string]any{"code": "unauthenticated", "message": "bring the secret of admin.token_file as bearer token"})
}
