package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
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

// freshCertificates are those that a listener does not show yet, by the settings that name
// their files.
type freshCertificates map[string]certificate.Show

// read reads what has changed; nothing of it is shown yet.
func (c *certificates) read() (freshCertificates, error) {
	fresh := freshCertificates{}
	var errs []error
	for name, s := range map[string]*certificate.Source{httpSocket: c.http, grpcSocket: c.grpc, adminSocket: c.admin} {
		if s == nil {
			continue
		}
		show, err := s.Read()
		if show != nil {
			fresh[name+".tls_certificate"] = show
		}
		errs = append(errs, err)
	}
	return fresh, errors.Join(errs...)
}

// show has the listeners show them, and names the settings.
func (f freshCertificates) show() (keys []string) {
	for _, key := range slices.Sorted(maps.Keys(f)) {
		f[key]()
		keys = append(keys, key)
	}
	return keys
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
