package rpc

import (
	"context"
	"crypto/x509"
	"net"
	"net/netip"
	"sync/atomic"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"pushgate/server/auth/caller"
)

// socket is what is known of one connection of callers, beside its calls.
type socket struct {
	credentials.CommonAuthInfo
	address     netip.Addr        // invalid for Unix sockets
	certificate *x509.Certificate // verified; nil: none
	// last is who was found last. Most connections are one caller's.
	last atomic.Pointer[found]
}

// found is who shows some credentials.
type found struct {
	authorization string
	identity      *caller.Identity
}

// AuthType is part of credentials.AuthInfo.
func (*socket) AuthType() string { return "pushgate" }

// handshakes are the credentials of a transport, with a socket for each connection that it
// lets in.
type handshakes struct {
	credentials.TransportCredentials
}

// ServerHandshake lets a peer in.
func (h handshakes) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := h.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return nil, nil, err
	}
	c := &socket{}
	if remote, err := netip.ParseAddrPort(raw.RemoteAddr().String()); err == nil {
		c.address = remote.Addr().Unmap()
	}
	if known, ok := info.(credentials.TLSInfo); ok {
		c.CommonAuthInfo = known.CommonAuthInfo
		if chains := known.State.VerifiedChains; len(chains) > 0 {
			c.certificate = chains[0][0]
		}
	}
	return conn, c, nil
}

// Clone is part of credentials.TransportCredentials.
func (h handshakes) Clone() credentials.TransportCredentials {
	return handshakes{h.TransportCredentials.Clone()}
}

// headerOf is a metadata value of a call, "" if there is none.
func headerOf(ctx context.Context, name string) string {
	if values := metadata.ValueFromIncomingContext(ctx, name); len(values) > 0 {
		return values[0]
	}
	return ""
}

// socketOf is the connection that a call comes by.
func socketOf(ctx context.Context) *socket {
	if p, ok := peer.FromContext(ctx); ok {
		if c, ok := p.AuthInfo.(*socket); ok {
			return c
		}
	}
	return &socket{}
}
