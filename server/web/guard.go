package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/netip"
	"strings"

	"pushgate/server/admission"
	"pushgate/server/audit"
)

// guard lets those in who know the secret. How long it takes to say no tells nothing
// of it.
type guard struct {
	want  [sha256.Size]byte
	audit *audit.Log
}

func newGuard(o OperationsOptions) *guard {
	return &guard{want: sha256.Sum256([]byte(o.Secret)), audit: o.Audit}
}

// admit guards a handler. The socket of whom it lets in is not cut off for others.
func (g *guard) admit(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, brought, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got, bearer := sha256.Sum256([]byte(brought)), strings.EqualFold(scheme, "Bearer")
		if !bearer || subtle.ConstantTimeCompare(got[:], g.want[:]) == 0 {
			g.refuse(w, r)
			return
		}
		admission.Arrived(r.Context())
		h.ServeHTTP(w, r)
	})
}

// refuse answers who has not shown the secret.
func (g *guard) refuse(w http.ResponseWriter, r *http.Request) {
	remote, _ := netip.ParseAddrPort(r.RemoteAddr) // invalid for Unix sockets
	from := remote.Addr().Unmap().WithZone("")
	g.audit.Failed(audit.SideAdmin, from, "the secret is not there, or wrong")
	w.Header().Set("WWW-Authenticate", "Bearer")
	answer(w, http.StatusUnauthorized, map[string]any{"code": "unauthenticated", "message": "bring the secret of admin.token_file as bearer token"})
}
