package rpc

import (
	"context"
	"crypto/x509"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"pushgate/server/admission"
	"pushgate/server/auth/caller"
)

// socket is what is known of one connection of callers, beside its calls.
type socket struct {
	credentials.CommonAuthInfo
	address     netip.Addr        // invalid for Unix sockets
	certificate *x509.Certificate // verified; nil: none
	place       *admission.Socket // nil: there is no bound
	// identified says that a call was let in for which one has to show who it is, where
	// anybody has to.
	identified atomic.Bool
	// last is who was found last. Most connections are one caller's.
	last atomic.Pointer[found]
	// watches are those of its streams of health that count among the strangers'.
	watches atomic.Int64
	// unproven are the calls under way whose callers are not known. They are for knock only.
	unproven []unproven
}

// found is who shows some credentials.
type found struct {
	authorization []string
	identity      *caller.Identity
}

// lapsed says that the certificate by which the connection came is over: TLS looks at it
// only once.
func (c *socket) lapsed(now time.Time) bool {
	return c.certificate != nil && now.After(c.certificate.NotAfter)
}

// identify takes the place of a caller, if there is one.
func (c *socket) identify() error {
	if c.identified.Load() {
		return nil
	}
	if reason := c.place.Identify(); reason != admission.None {
		return reason.Refusal()
	}
	c.identified.Store(true)
	return nil
}

// credentials are what a call by the connection shows.
func (c *socket) credentials(authorization []string) caller.Credentials {
	return caller.Credentials{Authorization: authorization, Certificate: c.certificate, Address: c.address}
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
	c.place, _ = raw.(*admission.Socket)
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
