// Package origin tells web pages that may use a server from those that may not
// (RFC 6455 §10.2). Only browsers can be told so; other clients say what they like.
package origin

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Policy says whose pages may connect.
type Policy struct {
	// Allowed are origins (https://app.example.com), or hosts with their ports, whose
	// pages may, beside the server's own; null stands for pages that have no origin,
	// * for all.
	Allowed []string
	// Secure: the server is reached by TLS, so its own pages are too.
	Secure bool
	// Unguarded: whoever connects may do everything. Then a page is the server's own only
	// under a name that nobody can have point here.
	Unguarded bool
}

// Allows says whether a request to a host may be answered that came with these values
// of Origin. One without any is no page's.
func (p Policy) Allows(origins []string, host string) bool {
	switch {
	case len(origins) == 0 || len(origins) == 1 && origins[0] == "":
		return true
	case len(origins) > 1:
		return false
	case p.lists("*") || p.lists(origins[0]):
		return true
	}
	u, err := url.Parse(origins[0])
	if err != nil || u.Host == "" || !strings.EqualFold(u.Scheme+"://"+u.Host, origins[0]) {
		return false
	}
	if p.lists(u.Host) {
		return true
	}
	if strings.EqualFold(port(u.Scheme, u.Host), port(u.Scheme, host)) {
		return (!p.Secure || u.Scheme == "https") && (!p.Unguarded || Fixed(host))
	}
	return loopback(u.Hostname()) && loopback(name(host))
}

func (p Policy) lists(item string) bool {
	return slices.ContainsFunc(p.Allowed, func(listed string) bool { return strings.EqualFold(listed, item) })
}

// Fixed says whether nobody can have a host point to somewhere else: it is an address,
// or a name of the machine itself. Under any other name a page of a stranger can reach
// a server that it finds in the browser's own network (DNS rebinding).
func Fixed(host string) bool {
	_, err := netip.ParseAddr(name(host))
	return err == nil || loopback(name(host))
}

// name is a host without its port.
func name(host string) string {
	if bare, _, err := net.SplitHostPort(host); err == nil {
		return bare
	}
	return strings.Trim(host, "[]")
}

// port is a host with its port.
func port(scheme, host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	switch scheme {
	case "http":
		return host + ":80"
	case "https":
		return host + ":443"
	default:
		return host
	}
}

func loopback(name string) bool {
	if strings.EqualFold(name, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(name)
	return err == nil && address.Unmap().IsLoopback()
}
