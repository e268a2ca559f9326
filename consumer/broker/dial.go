package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
)

// Dialer connects to brokers.
type Dialer struct {
	// Brokers are the addresses to begin with, as host:port.
	Brokers  []string
	ClientID string
	TLS      *tls.Config    // nil: plain text
	SASL     sasl.Mechanism // nil: no authentication
	// Timeout bounds connecting with TLS and SASL, and every request beyond the
	// time that the broker was asked to wait.
	Timeout time.Duration
}

// Net opens a connection with TLS, if that is configured, but without SASL. It
// fits where kafka-go takes a dial function.
func (d *Dialer) Net(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	if d.TLS == nil {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	return (&tls.Dialer{Config: d.TLS}).DialContext(ctx, network, address)
}

// Dial connects to one broker.
func (d *Dialer) Dial(ctx context.Context, address string) (*Conn, error) {
	var raw net.Conn
	library := kafka.Dialer{
		ClientID: d.ClientID, SASLMechanism: d.SASL, Timeout: d.Timeout,
		DialFunc: func(ctx context.Context, network, address string) (_ net.Conn, err error) {
			if raw, err = d.Net(ctx, network, address); err != nil {
				return nil, err
			}
			return raw, raw.SetDeadline(time.Now().Add(d.Timeout))
		},
	}
	wrapped, err := library.DialContext(ctx, "tcp", address)
	if err != nil {
		if raw != nil {
			_ = raw.Close()
		}
		return nil, fmt.Errorf("connecting to %s: %w", address, err)
	}
	// From here on only this package speaks on raw.
	c := &Conn{conn: raw, dialer: d, address: address}
	if err := c.checkVersions(wrapped); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Any connects to the first of the configured brokers that can be reached.
func (d *Dialer) Any(ctx context.Context) (*Conn, error) {
	var failures []error
	for _, address := range d.Brokers {
		c, err := d.Dial(ctx, address)
		if err == nil {
			return c, nil
		}
		failures = append(failures, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(failures...)
}
