package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/credentials"

	"pushgate/cmd/pushgate/config"
	"pushgate/server/audit"
	"pushgate/server/certificate"
)

// certificates are those of the listeners that speak TLS. Their files are looked at
// now and then until close.
type certificates struct {
	http, grpc, admin *certificate.Source // nil: not by TLS
	stop              context.CancelFunc
	watching          sync.WaitGroup
}

// certificateInterval is how often the files are looked at.
const certificateInterval = 10 * time.Second

func openCertificates(f *config.Flags, logger *slog.Logger, registry prometheus.Registerer, record *audit.Log) (*certificates, error) {
	ctx, stop := context.WithCancel(context.Background())
	c, metrics := &certificates{stop: stop}, certificate.NewMetrics(registry)
	for name, of := range map[string]struct {
		files certificate.Files
		into  **certificate.Source
	}{
		httpSocket: {f.HTTPCertificate(), &c.http}, grpcSocket: {f.GRPCCertificate(), &c.grpc}, adminSocket: {f.AdminCertificate(), &c.admin},
	} {
		if of.files.Certificate == "" {
			continue
		}
		source, err := certificate.Open(name, of.files, logger, metrics, record.Renewed)
		if err != nil {
			c.close()
			return nil, usageError{fmt.Sprintf("%s.tls_certificate: %s", name, oneLine(err))}
		}
		*of.into = source
		c.watching.Go(func() { source.Watch(ctx, certificateInterval) })
	}
	return c, nil
}

// reload reads what has changed, and names the settings of which it was. What cannot be
// used keeps no other from being used.
func (c *certificates) reload() (changed, problems []string) {
	for _, one := range []struct {
		name   string
		source *certificate.Source
	}{{httpSocket, c.http}, {grpcSocket, c.grpc}, {adminSocket, c.admin}} {
		if one.source == nil {
			continue
		}
		key := one.name + ".tls_certificate"
		switch fresh, err := one.source.Reload(); {
		case err != nil:
			problems = append(problems, key+": "+oneLine(err))
		case fresh:
			changed = append(changed, key)
		}
	}
	return changed, problems
}

// over has a listener for HTTP speak TLS if there is a certificate for it.
func over(l net.Listener, s *certificate.Source) net.Listener {
	if s == nil {
		return l
	}
	return tls.NewListener(l, s.Config("http/1.1")) // of which WebSocket is an upgrade
}

// credentials are those of the gRPC listener; nil: none.
func (c *certificates) credentials() credentials.TransportCredentials {
	if c.grpc == nil {
		return nil
	}
	return c.grpc.Credentials()
}

func (c *certificates) close() {
	if c == nil {
		return
	}
	c.stop()
	c.watching.Wait()
}
