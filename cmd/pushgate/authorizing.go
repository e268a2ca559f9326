package main

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"pushgate/cmd/pushgate/config"
	"pushgate/push"
	"pushgate/server/auth/authorizer"
)

// authorizing is the operator's authorizer, and the connection to it; nil: there is
// none.
type authorizing struct {
	authorizer *authorizer.Authorizer
	conn       *grpc.ClientConn
}

func newAuthorizing(f *config.Flags, logger *slog.Logger, registry *prometheus.Registry) (*authorizing, error) {
	settings := f.Authorizer
	if settings.Address == "" {
		return nil, nil
	}
	target, secure := strings.CutPrefix(settings.Address, "https://")
	transport := insecure.NewCredentials()
	if secure {
		c, err := trust{CA: settings.TLSCA, Certificate: settings.TLSCertificate, Key: settings.TLSKey}.config()
		if err != nil {
			return nil, usageError{"authorizer.tls_" + strings.TrimPrefix(err.Error(), "--")}
		}
		transport = credentials.NewTLS(c)
	}
	secret, err := f.AuthorizerSecret()
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(transport), grpc.WithPerRPCCredentials(bearer(secret)), grpc.WithKeepaliveParams(lostAfter))
	if err != nil {
		return nil, usageError{fmt.Sprintf("authorizer.address: %q is not an address", settings.Address)}
	}
	rules, err := f.Rules()
	if err != nil {
		return nil, err
	}
	return &authorizing{conn: conn, authorizer: authorizer.New(conn, authorizer.Options{
		Node: f.Node, Timeout: time.Duration(settings.Timeout), Allow: settings.OnFailure == "allow",
		Concurrency: settings.Concurrency, Cache: settings.Cache, MaxCredential: int(f.Token.MaxBytes),
		Rules: rules, Logger: logger, Registry: registry,
	})}, nil
}

// lostAfter gives up a connection on which nothing is acknowledged for so long
// (TCP_USER_TIMEOUT): otherwise calls would go on into a network that drops them for a
// quarter of an hour. Pings are as rare as servers allow without being asked.
var lostAfter = keepalive.ClientParameters{Time: 5 * time.Minute, Timeout: 5 * time.Second}

// consent is what subscriptions are asked by; nil: nothing.
func (a *authorizing) consent() push.Consent {
	if a == nil {
		return nil
	}
	return a.authorizer.Subscribe
}

// of is nil where there is none.
func (a *authorizing) of() *authorizer.Authorizer {
	if a == nil {
		return nil
	}
	return a.authorizer
}

func (a *authorizing) close() {
	if a != nil {
		a.authorizer.Close()
		_ = a.conn.Close()
	}
}
