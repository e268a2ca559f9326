package rpc_test

import (
	"net"
	"net/netip"
	"sync/atomic"
)

// origin is where connections to a node seem to come from, as from then on.
type origin struct{ address atomic.Pointer[netip.Addr] }

func (o *origin) set(address string) {
	a := netip.MustParseAddr(address)
	o.address.Store(&a)
}

func (o *origin) over(l net.Listener) net.Listener { return &originListener{l, o} }

type originListener struct {
	net.Listener
	origin *origin
}

func (l *originListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if a := l.origin.address.Load(); err == nil && a != nil {
		conn = &originConn{conn, net.TCPAddrFromAddrPort(netip.AddrPortFrom(*a, 12345))}
	}
	return conn, err
}

type originConn struct {
	net.Conn
	remote net.Addr
}

func (c *originConn) RemoteAddr() net.Addr { return c.remote }
