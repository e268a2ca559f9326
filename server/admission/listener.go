package admission

import (
	"net"
	"sync"
)

// Listener accepts from l while there is room for a handshake.
func (h *Handshakes) Listener(l net.Listener) net.Listener {
	return &listener{Listener: l, handshakes: h, closed: make(chan struct{})}
}

type listener struct {
	net.Listener
	handshakes *Handshakes
	once       sync.Once
	closed     chan struct{}
}

// Accept waits for room, then for a socket.
func (l *listener) Accept() (net.Conn, error) {
	if !l.handshakes.wait(l.closed) {
		return nil, net.ErrClosed
	}
	socket, err := l.Listener.Accept()
	if err == nil {
		l.handshakes.begin(socket)
	}
	return socket, err
}

// Close ends Accept.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
