package main

import (
	"log/slog"
	"time"

	"pushgate/cmd/pushgate/config"
	"pushgate/server/auth/token"
	"pushgate/server/ws"
)

// newVerifier makes what checks the tokens of clients; nil without keys for them.
func newVerifier(f *config.Flags, logger *slog.Logger) (*token.Verifier, error) {
	c := f.Tokens(logger)
	if !c.Configured() {
		return nil, nil
	}
	v, err := token.New(c)
	if err != nil {
		return nil, usageError{"token: " + err.Error()}
	}
	return v, nil
}

// tokensOf says how clients show theirs.
func tokensOf(f *config.Flags, v *token.Verifier) *ws.Tokens {
	if v == nil {
		return nil
	}
	t := &ws.Tokens{
		Authenticate: v.Authenticate,
		Timeout:      time.Duration(f.Token.Timeout), Notice: time.Duration(f.Token.Notice),
	}
	if f.Token.Anonymous {
		t.Anonymous = v.Anonymous
	}
	return t
}
