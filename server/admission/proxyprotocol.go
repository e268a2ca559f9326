package admission

import (
	"net"
	"time"

	"github.com/pires/go-proxyproto"
)

// ProxyProtocol takes the addresses of a listener's clients from the header of
// the PROXY protocol (version 1 or 2) with which trusted proxies begin each
// connection. One of theirs without it is closed, and counted by the gate; those
// of others are what they are, and a header is no request.
func (p Proxies) ProxyProtocol(l net.Listener, timeout time.Duration, gate *Gate) net.Listener {
	return &proxyListener{Listener: l, proxies: p, timeout: timeout, gate: gate}
}

type proxyListener struct {
	net.Listener
	proxies Proxies
	timeout time.Duration
	gate    *Gate
}

func (l *proxyListener) Accept() (net.Conn, error) {
	socket, err := l.Listener.Accept()
	if err != nil || !l.proxies.Trust(parsePeer(socket.RemoteAddr().String())) {
		return socket, err
	}
	return &proxied{gate: l.gate, Conn: proxyproto.NewConn(socket,
		proxyproto.WithPolicy(proxyproto.REQUIRE), proxyproto.SetReadHeaderTimeout(l.timeout))}, nil
}

type proxied struct {
	*proxyproto.Conn
	gate *Gate
}

// RemoteAddr is the client's, for which it waits. It is asked for before
// anything else, and not again where it failed.
func (c *proxied) RemoteAddr() net.Addr {
	address := c.Conn.RemoteAddr()
	if _, err := c.Conn.Read(nil); err != nil {
		c.gate.refusals.add(ProxyHeader, parsePeer(c.Raw().RemoteAddr().String()))
	}
	return address
}
