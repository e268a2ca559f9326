package admission

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Header is which header of a trusted proxy's request tells the client's address.
type Header string

// The headers. Of Either the one that is there counts; where both are and
// disagree, one of them is not the proxy's own, and neither is believed.
const (
	Either        Header = "auto"
	XForwardedFor Header = "x-forwarded-for"
	Forwarded     Header = "forwarded" // RFC 7239
)

// unixSocket stands for peers of Unix sockets, which have no address.
const unixSocket = "unix"

// Proxies are the trusted proxies, which are believed what they say of their
// clients' addresses. The zero Proxies trust nobody.
type Proxies struct {
	networks []netip.Prefix
	unix     bool
	header   Header
}

// ParseProxies reads a list of addresses and networks (CIDR), and the word unix
// for whoever comes by a Unix socket.
func ParseProxies(list []string, header Header) (Proxies, error) {
	p := Proxies{header: header}
	for _, text := range list {
		if text == unixSocket {
			p.unix = true
			continue
		}
		network, err := parseNetwork(text)
		if err != nil {
			return Proxies{}, err
		}
		p.networks = append(p.networks, network)
	}
	return p, nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a network; write 10.0.0.1, 10.0.0.0/8 or fd00::/8", text)
	case network.Masked() != network:
		return netip.Prefix{}, fmt.Errorf("%q is an address within a network; write %s or %s", text, network.Masked(), network.Addr())
	}
	if network.Addr().Is4In6() && network.Bits() >= 96 {
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
	}
	return network, nil
}

// Trust says whether a peer is a trusted proxy. The zero address is that of a
// Unix socket's peer.
func (p Proxies) Trust(peer netip.Addr) bool {
	if !peer.IsValid() {
		return p.unix
	}
	for _, network := range p.networks {
		if network.Contains(peer) {
			return true
		}
	}
	return false
}

// Client tells the address of the client that a request comes from, and how it
// is shown. The address is zero, and the text "", for a local peer of a Unix socket.
func (p Proxies) Client(r *http.Request) (address netip.Addr, shown string) {
	peer := parsePeer(r.RemoteAddr)
	if !p.Trust(peer) {
		return peer, r.RemoteAddr
	}
	address = p.resolve(peer, r.Header["X-Forwarded-For"], r.Header["Forwarded"])
	if address == peer {
		return peer, r.RemoteAddr
	}
	return address, address.String()
}

// resolve is what the headers of a trusted peer say.
func (p Proxies) resolve(peer netip.Addr, forwardedFor, forwarded []string) netip.Addr {
	byFor := func() netip.Addr { return p.farthest(peer, forwardedFor, forwardedForHops) }
	byRFC := func() netip.Addr { return p.farthest(peer, forwarded, forwardedHops) }
	switch {
	case p.header == XForwardedFor, p.header != Forwarded && len(forwarded) == 0:
		return byFor()
	case p.header == Forwarded, len(forwardedFor) == 0:
		return byRFC()
	}
	if address := byFor(); address == byRFC() {
		return address
	}
	return peer
}

// farthest follows the hops of a header from the last one back: each was told by
// the one after it, so it counts as long as that is trusted. A hop that cannot be
// read ends the way.
func (p Proxies) farthest(peer netip.Addr, lines []string, hops func(string) ([]netip.Addr, bool)) netip.Addr {
	client := peer
	for _, line := range slices.Backward(lines) {
		all, whole := hops(line)
		for _, hop := range slices.Backward(all) {
			if !hop.IsValid() {
				return client
			}
			if client = hop; !p.Trust(client) {
				return client
			}
		}
		if !whole {
			return client
		}
	}
	return client
}

// parsePeer reads what net/http says of a peer.
func parsePeer(remote string) netip.Addr {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap().WithZone("")
}

// Network is what of an address counts as one client: providers give a whole /64
// to each of theirs.
func Network(address netip.Addr) netip.Addr {
	if !address.Is6() {
		return address
	}
	network, err := address.Prefix(64)
	if err != nil {
		return netip.Addr{}
	}
	return network.Addr()
}

// parseHop reads an address as proxies write it: with or without a port, an IPv6
// address in brackets or not. The answer is zero for anything else.
func parseHop(text string) netip.Addr {
	if address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")); err == nil {
		if address.Zone() != "" || strings.HasPrefix(text, "[") != strings.HasSuffix(text, "]") {
			return netip.Addr{}
		}
		return address.Unmap()
	}
	withPort, err := netip.ParseAddrPort(text)
	if err != nil || withPort.Addr().Zone() != "" {
		return netip.Addr{}
	}
	return withPort.Addr().Unmap()
}
