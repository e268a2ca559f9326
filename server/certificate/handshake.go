package certificate

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"

	"google.golang.org/grpc/credentials"
)

// Lost notes that a connection of the listener was given up with an error before there
// was a request on it. Of the nil Source there is nothing to note.
func (s *Source) Lost(c net.Conn, err error) {
	if secure, ok := c.(*tls.Conn); s != nil && ok && !secure.ConnectionState().HandshakeComplete {
		s.failed(err)
	}
}

// failed counts a handshake, unless the peer has only looked whether there is somebody,
// as load balancers do.
func (s *Source) failed(err error) {
	if !errors.Is(err, io.EOF) {
		s.metrics.handshakes.WithLabelValues(s.name).Inc()
	}
}

// Credentials are those of a gRPC server.
func (s *Source) Credentials() credentials.TransportCredentials {
	return watched{credentials.NewTLS(s.Config("h2")), s}
}

// watched counts the handshakes that fail.
type watched struct {
	credentials.TransportCredentials
	source *Source
}

func (w watched) ServerHandshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secure, info, err := w.TransportCredentials.ServerHandshake(c)
	if err != nil {
		w.source.failed(err)
	}
	return secure, info, err
}

func (w watched) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("certificate: these credentials are a server's")
}

func (w watched) Clone() credentials.TransportCredentials {
	return watched{w.TransportCredentials.Clone(), w.source}
}
