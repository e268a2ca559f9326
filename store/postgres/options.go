package postgres

import (
	"cmp"
	"fmt"
	"time"
)

// Options tune a Store; the zero value is sound for a node of a few cores.
type Options struct {
	// MaxConns bounds the connections of this Store; 0 means 16. The server's
	// max_connections must hold the sum over all nodes.
	MaxConns int
	// ConnectTimeout bounds one attempt to connect; 0 means the URL's
	// connect_timeout, or 5 s.
	ConnectTimeout time.Duration
	// StatementTimeout bounds each statement and each wait for a lock on the
	// server, and, with a second's grace, each call here; 0 means 30 s.
	// Migrate is exempt.
	StatementTimeout time.Duration
	// MaxConnLifetime is the age at which a connection is replaced, so that a
	// new address or certificate is taken up; 0 means 1 h.
	MaxConnLifetime time.Duration
	// MaxConnIdle is how long an unused connection is kept; 0 means 10 min.
	MaxConnIdle time.Duration
}

func (o Options) withDefaults() (Options, error) {
	if o.MaxConns < 0 || o.ConnectTimeout < 0 || o.StatementTimeout < 0 || o.MaxConnLifetime < 0 || o.MaxConnIdle < 0 {
		return o, fmt.Errorf("postgres: options must not be negative: %+v", o)
	}
	o.MaxConns = cmp.Or(o.MaxConns, 16)
	o.StatementTimeout = cmp.Or(o.StatementTimeout, 30*time.Second)
	o.MaxConnLifetime = cmp.Or(o.MaxConnLifetime, time.Hour)
	o.MaxConnIdle = cmp.Or(o.MaxConnIdle, 10*time.Minute)
	return o, nil
}
