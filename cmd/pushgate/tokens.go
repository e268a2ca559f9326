package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pushgate/cmd/pushgate/config"
	"pushgate/push"
	"pushgate/server/auth/authorizer"
	"pushgate/server/auth/token"
	"pushgate/server/ws"
)

// newVerifier makes what checks the tokens of clients; nil without keys for them. Without
// a registry nothing is counted.
func newVerifier(f *config.Flags, logger *slog.Logger, registry prometheus.Registerer) (*token.Verifier, error) {
	c := f.Tokens(logger)
	if !c.Configured() {
		return nil, nil
	}
	c.Registry = registry
	if f.Token.JWKSCA != "" {
		var err error
		if c.Authorities, err = authorities(f.Token.JWKSCA); err != nil {
			return nil, usageError{"token.jwks_ca: " + err.Error()}
		}
	}
	v, err := token.New(c)
	if err != nil {
		return nil, usageError{"token: " + err.Error()}
	}
	return v, nil
}

// tokensOf says how clients show who they are; nil: they do not.
func tokensOf(f *config.Flags, v *token.Verifier, a *authorizer.Authorizer) *ws.Tokens {
	t := &ws.Tokens{
		Timeout: time.Duration(f.Token.Timeout), Notice: time.Duration(f.Token.Notice),
		Local: v != nil, Whole: f.Authorizer.Connect, Headers: f.AuthorizerHeaders(),
	}
	var anonymous func() push.Access
	switch {
	case v == nil && !f.Authorizer.Connect:
		return nil
	case v == nil:
		t.HeadersSuffice, anonymous = true, a.Anonymous
		t.Authenticate = func(ctx context.Context, c ws.Credentials) (push.Grant, error) { return a.Identify(ctx, clientOf(c)) }
	case f.Authorizer.Connect:
		anonymous = v.Anonymous
		t.Authenticate = func(ctx context.Context, c ws.Credentials) (push.Grant, error) {
			grant := push.Grant{Access: v.Anonymous(), Standing: true}
			if c.Token != "" {
				var err error
				if grant, err = v.Authenticate(ctx, c.Token); err != nil {
					return grant, err
				}
			}
			return grant, a.Confirm(ctx, clientOf(c), &grant)
		}
	default:
		anonymous = v.Anonymous
		t.Authenticate = func(ctx context.Context, c ws.Credentials) (push.Grant, error) { return v.Authenticate(ctx, c.Token) }
	}
	if f.Token.Anonymous {
		t.Anonymous = anonymous
	}
	return t
}

func clientOf(c ws.Credentials) authorizer.Client {
	client := authorizer.Client{Credential: c.Token, Origin: c.Origin, UserAgent: c.UserAgent, Headers: c.Headers}
	if c.Address.IsValid() {
		client.Address = c.Address.String()
	}
	return client
}
