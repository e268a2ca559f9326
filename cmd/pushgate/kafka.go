package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pushgate/cmd/pushgate/config"
	"pushgate/consumer"
	"pushgate/push"
	"pushgate/store"
)

// newConsumer makes the Kafka consumer, nil if nothing is to be read.
func newConsumer(f *config.Flags, to consumer.Publisher, logger *slog.Logger, registry prometheus.Registerer) (*consumer.Consumer, error) {
	c, on := f.Consumer()
	if !on {
		return nil, nil
	}
	var err error
	if c.TLS, err = kafkaTLS(f.Kafka); err != nil {
		return nil, usageError{err.Error()}
	}
	if c.SASL.Username != "" && c.TLS == nil {
		logger.Warn("the password for Kafka is not protected on the network; set kafka.tls to true")
	}
	c.Logger, c.Registry = logger, registry
	made, err := consumer.New(to, c)
	if err != nil {
		return nil, usageError{"kafka: " + err.Error()}
	}
	return made, nil
}

// kafkaTLS reads the files that the settings name; nil without TLS.
func kafkaTLS(k config.Kafka) (*tls.Config, error) {
	if !k.TLS {
		return nil, nil
	}
	c := &tls.Config{ServerName: k.TLSServerName, MinVersion: tls.VersionTLS12}
	if k.TLSCA != "" {
		pem, err := os.ReadFile(k.TLSCA)
		if err != nil {
			return nil, fmt.Errorf("kafka.tls_ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("kafka.tls_ca: there is no certificate in %s", k.TLSCA)
		}
	}
	if k.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(k.TLSCert, k.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("kafka.tls_cert: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// ingest is the consumer's way into the engine.
type ingest struct {
	engine   *push.Engine
	database database
	timeout  time.Duration
	// slots bound how many partitions store at once: with hundreds of them,
	// publishes over gRPC would wait for a connection to the database.
	slots chan struct{}
}

// ingestSlots is half of the connections that PostgreSQL gets by default.
const ingestSlots = 8

// Ingest is part of consumer.Publisher.
func (i ingest) Ingest(ctx context.Context, messages []consumer.Message, position store.Position) error {
	select {
	case i.slots <- struct{}{}:
		defer func() { <-i.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	publications := make([]push.Publication, len(messages))
	for n, m := range messages {
		publications[n] = push.Publication{
			Channel: m.Channel, Data: m.Data, ContentType: m.ContentType, Headers: m.Headers,
			MessageID: m.MessageID, TTL: m.TTL, Ephemeral: m.Ephemeral,
		}
	}
	_, err := i.engine.Ingest(ctx, publications, position)
	if bad, ok := errors.AsType[*push.IngestError](err); ok {
		return &consumer.RefusedError{Index: bad.Index, Reason: bad.Err.Error()}
	}
	return err
}

// Positions is part of consumer.Publisher.
func (i ingest) Positions(ctx context.Context, keys []store.SourceKey) ([]store.Position, error) {
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	return i.database.Positions(ctx, keys)
}
