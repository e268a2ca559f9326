//go:build unix

package ws

import (
	"errors"
	"net"
	"syscall"
)

// nonblocking writes to a socket what it takes at once. It is not safe for
// concurrent use.
type nonblocking struct {
	raw  syscall.RawConn // nil: the connection has no socket of its own (TLS)
	call *writeCall
}

// writeCall holds one write's arguments and results, so that a write allocates
// no closure.
type writeCall struct {
	buf []byte
	n   int
	err error
	run func(fd uintptr) bool
}

func newNonblocking(c net.Conn) nonblocking {
	if wrapped, ok := c.(interface{ Raw() net.Conn }); ok {
		c = wrapped.Raw() // the PROXY protocol is in what is read only
	}
	socket, ok := c.(syscall.Conn)
	if !ok {
		return nonblocking{}
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nonblocking{}
	}
	call := &writeCall{}
	call.run = call.do
	return nonblocking{raw: raw, call: call}
}

func (w *writeCall) do(fd uintptr) bool {
	for {
		w.n, w.err = syscall.Write(int(fd), w.buf)
		if !errors.Is(w.err, syscall.EINTR) {
			return true
		}
	}
}

// write answers how much was taken, which may be nothing.
func (s nonblocking) write(p []byte) (int, error) {
	if s.raw == nil {
		return 0, nil
	}
	s.call.buf = p
	err := s.raw.Write(s.call.run)
	s.call.buf = nil
	switch {
	case err != nil:
		return 0, err
	case errors.Is(s.call.err, syscall.EAGAIN):
		return 0, nil
	case s.call.err != nil:
		return 0, s.call.err
	}
	return s.call.n, nil
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
