package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"time"

	"pushgate/cmd/pushgate/config"
	"pushgate/cmd/pushgate/systemd"
	"pushgate/server/listen"
)

// The names of a node's two sockets, by which systemd passes them.
const (
	httpSocket  = "http"
	grpcSocket  = "grpc"
	adminSocket = "admin" // never passed
)

// passedSockets are those that the process was given, by their names.
type passedSockets map[string]net.Listener

func findPassedSockets() (passedSockets, error) {
	found, err := systemd.Sockets(httpSocket, grpcSocket)
	if err != nil {
		return nil, usageError{err.Error()}
	}
	return found, nil
}

// inherit notes in the configuration where the sockets are.
func (p passedSockets) inherit(f *config.Flags) {
	for name, l := range p {
		f.Inherit(name+".address", l.Addr())
	}
}

// listen opens both listeners.
func (n *node) listen(ctx context.Context, f *config.Flags) (err error) {
	h, g := f.HTTP, f.GRPC
	n.httpListener, err = n.socket(ctx, httpSocket, h.Address, listen.Options{
		ReusePort: h.ReusePort, SendBuffer: int(h.SendBuffer), KeepAlive: time.Duration(h.KeepAlive), SocketMode: fs.FileMode(h.SocketMode),
	})
	if err != nil {
		return err
	}
	// gRPC pings its peers, and bounds by its windows what waits for them.
	n.grpcListener, err = n.socket(ctx, grpcSocket, g.Address, listen.Options{ReusePort: g.ReusePort, SocketMode: fs.FileMode(g.SocketMode)})
	if err != nil || f.Admin.Address == "" {
		return err
	}
	n.adminListener, err = n.socket(ctx, adminSocket, f.Admin.Address, listen.Options{SocketMode: fs.FileMode(f.Admin.SocketMode)})
	return err
}

func (n *node) socket(ctx context.Context, name, address string, o listen.Options) (net.Listener, error) {
	key := name + ".address"
	if passed := n.passed[name]; passed != nil {
		l, err := listen.Adopt(passed, o)
		if err != nil {
			return nil, fmt.Errorf("%s: the socket that systemd passed: %w", key, err)
		}
		n.shared = append(n.shared, l)
		return l, nil
	}
	l, err := listen.Open(ctx, address, o)
	if err != nil {
		return nil, explainListen(key, address, err)
	}
	if o.ReusePort {
		n.shared = append(n.shared, l)
	}
	return l, nil
}

func explainListen(key, address string, err error) error {
	flag := "--" + strings.ReplaceAll(key, ".", "-")
	_, unix := listen.UnixPath(address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s: %s is in use by another process; stop that, or choose another address by %s", key, address, flag)
	case errors.Is(err, fs.ErrPermission) && !unix:
		return fmt.Errorf("%s: this user may not listen on %s; choose a port from 1024 on by %s", key, address, flag)
	default:
		return fmt.Errorf("%s: cannot listen on %s: %w; choose another address by %s", key, address, err, flag)
	}
}
