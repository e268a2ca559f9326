package listen

import (
	"fmt"
	"net"
)

// Adopt applies the options to a listener that the process was given by whoever
// started it. Its address and its mode are that one's matter.
func Adopt(l net.Listener, o Options) (net.Listener, error) {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return l, nil
	}
	socket, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	o.ReusePort = false
	if err := o.apply(socket); err != nil {
		return nil, fmt.Errorf("setting the send buffer: %w", err)
	}
	return &adopted{TCPListener: tcp, keepAlive: o.keepAlive()}, nil
}

// adopted sets keep-alive on each connection: only a listener that Go has opened
// can be told beforehand.
type adopted struct {
	*net.TCPListener
	keepAlive net.KeepAliveConfig
}

// Accept is part of net.Listener.
func (a *adopted) Accept() (net.Conn, error) {
	c, err := a.AcceptTCP()
	if err != nil {
		return nil, err
	}
	// A connection that is gone already says so when it is read.
	_ = c.SetKeepAliveConfig(a.keepAlive)
	return c, nil
}
