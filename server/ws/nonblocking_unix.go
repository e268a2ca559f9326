//go:build unix

package ws

import (
	"crypto/tls"
	"errors"
	"net"
	"syscall"
)

// nonblocking writes to a socket what it takes at once. The descriptor is used past
// the runtime's own lock and poller, which saves a tenth of a small write: write may
// be called only under the lock under which the connection is closed, and not after.
type nonblocking struct {
	raw syscall.RawConn // nil: what is written does not go to the socket as it is (TLS)
	fd  int
	// socket is what is under everything, to ask about; nil: there is none.
	socket syscall.RawConn
}

func newNonblocking(c net.Conn) nonblocking {
	secure := false
	for {
		// What is between is in what is read first only: the PROXY protocol's header,
		// and what package front has seen.
		if wrapped, ok := c.(interface{ Raw() net.Conn }); ok {
			c = wrapped.Raw()
			continue
		}
		encrypted, ok := c.(*tls.Conn)
		if !ok {
			break
		}
		c, secure = encrypted.NetConn(), true
	}
	socket, ok := c.(syscall.Conn)
	if !ok {
		return nonblocking{}
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nonblocking{}
	}
	s := nonblocking{socket: raw}
	if secure {
		return s
	}
	if err := raw.Control(func(fd uintptr) { s.raw, s.fd = raw, int(fd) }); err != nil {
		return nonblocking{}
	}
	return s
}

// write answers how much was taken, which may be nothing.
func (s nonblocking) write(p []byte) (int, error) {
	if s.raw == nil {
		return 0, nil
	}
	for {
		switch n, err := syscall.Write(s.fd, p); {
		case err == nil:
			return n, nil
		case errors.Is(err, syscall.EAGAIN):
			return 0, nil
		case !errors.Is(err, syscall.EINTR):
			return 0, err
		}
	}
}

// waits says whether waitReadable can be used.
func (s nonblocking) waits() bool { return s.raw != nil }

// waitReadable waits until there is something to read, or an end or an error of
// which reading will tell.
func (s nonblocking) waitReadable() { _ = s.raw.Read(readable) }

// readable looks whether a read would find anything.
func readable(fd uintptr) bool {
	var first [1]byte
	_, _, err := syscall.Recvfrom(int(fd), first[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return !errors.Is(err, syscall.EAGAIN)
}
