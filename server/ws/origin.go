package ws

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// AllowOrigins replaces Options.AllowedOrigins for the requests from then on. The
// list must not be changed afterwards.
func (s *Server) AllowOrigins(origins []string) { s.origins.Store(&origins) }

// allowed checks the page's origin (RFC 6455 §10.2). A client that is no browser
// sends none. Pages of the same host may connect, and, while the server itself is
// reached by a loopback name, pages of any loopback address and local files.
func (s *Server) allowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	allowed := *s.origins.Load()
	if slices.Contains(allowed, "*") || slices.Contains(allowed, origin) {
		return true
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	local := isLoopback(host)
	if origin == "null" {
		return local
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	return strings.EqualFold(u.Host, r.Host) || slices.Contains(allowed, u.Host) ||
		local && isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}
