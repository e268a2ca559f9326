// Package listen opens the sockets on which a node accepts connections.
//
// Accepted TCP connections have Nagle's algorithm off (TCP_NODELAY), as Go sets
// it: what is written goes out at once.
package listen

import (
	"context"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"time"
)

// Options are the settings of a listener.
type Options struct {
	// ReusePort lets other processes listen on the same TCP port, which then gets
	// each connection to one of them.
	ReusePort bool
	// SendBuffer is what the kernel takes of a TCP connection's data before the
	// peer has acknowledged it, in bytes. 0 leaves it to the kernel, which lets it
	// grow to megabytes for a peer that does not read.
	SendBuffer int
	// KeepAlive is after how long without traffic TCP asks whether the peer is
	// there, and how long it waits between three such probes; 0: it does not ask.
	KeepAlive time.Duration
	// SocketMode are the permissions of a Unix socket.
	SocketMode fs.FileMode
}

// unixPrefix begins the addresses of Unix sockets.
const unixPrefix = "unix:"

// UnixPath is the path of an address that names a Unix socket.
func UnixPath(address string) (path string, ok bool) { return strings.CutPrefix(address, unixPrefix) }

// Open listens on HOST:PORT, or on the Unix socket of unix:PATH.
func Open(ctx context.Context, address string, o Options) (net.Listener, error) {
	if path, ok := UnixPath(address); ok {
		return openUnix(ctx, path, o.SocketMode)
	}
	c := net.ListenConfig{
		KeepAliveConfig: o.keepAlive(),
		Control:         func(_, _ string, socket syscall.RawConn) error { return o.apply(socket) },
	}
	if o.KeepAlive == 0 {
		c.KeepAlive = -1
	}
	return c.Listen(ctx, "tcp", address)
}

// probes that are not answered end a connection.
const probes = 3

func (o Options) keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: o.KeepAlive > 0, Idle: o.KeepAlive, Interval: o.KeepAlive, Count: probes}
}

// apply sets what accepted connections take over from the listening socket.
func (o Options) apply(socket syscall.RawConn) error {
	var failed error
	if err := socket.Control(func(fd uintptr) { failed = o.set(fd) }); err != nil {
		return err
	}
	return failed
}
