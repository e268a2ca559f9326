// Package certificate holds the certificates of TLS listeners, which may change
// while connections are served.
package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Files are the PEM files of one listener.
type Files struct {
	// Certificate has the chain, the listener's own first; Key its private key.
	Certificate, Key string
	// ClientCA has the authorities of clients' certificates; "": clients need none.
	ClientCA string
	// ClientOptional lets in clients without a certificate, too.
	ClientOptional bool
}

// Source is what the files of one listener say. It is safe for concurrent use.
type Source struct {
	name    string
	files   Files
	logger  *slog.Logger
	metrics *Metrics
	renewed func(listener string, err error)

	mu      sync.Mutex
	used    []stamp // of the files when what is in use was read
	refused []stamp // and when they were last found to be of no use
	current atomic.Pointer[content]
}

type content struct {
	certificate tls.Certificate
	clients     *x509.CertPool // nil: they are asked for no certificate
}

// Open reads the files. The error names the one that cannot be used. The name of
// the listener is for the log and the metrics. renewed is told of each change of the
// files, and why what they hold cannot be used if it cannot.
func Open(name string, files Files, logger *slog.Logger, metrics *Metrics, renewed func(listener string, err error)) (*Source, error) {
	s := &Source{name: name, files: files, logger: logger, metrics: metrics, renewed: renewed, used: stamps(files)}
	first, err := load(files)
	if err != nil {
		return nil, err
	}
	s.show(first)
	return s, nil
}

// Config is for a listener that offers the given protocols (ALPN), in the order of
// preference. Connections that are there keep what they have begun with.
func (s *Source) Config(protocols ...string) *tls.Config {
	base := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols}
	base.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := s.current.Load()
		c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols, Certificates: []tls.Certificate{now.certificate}}
		if now.clients != nil {
			c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, now.clients
			if s.files.ClientOptional {
				c.ClientAuth = tls.VerifyClientCertIfGiven
			}
		}
		return c, nil
	}
	return base
}

// Reload reads the files if they are others than those of which the contents are in use,
// and says whether they were. What cannot be used leaves what was there, and is an error
// each time, until it is mended.
func (s *Source) Reload() (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := stamps(s.files) // first: what changes meanwhile is read again
	if slices.EqualFunc(now, s.used, stamp.same) {
		return false, nil
	}
	next, err := load(s.files)
	if err != nil {
		s.refuse(now, err)
		return false, err
	}
	s.used, s.refused = now, nil
	s.renewed(s.name, nil)
	s.show(next)
	return true, nil
}

// refuse tells of files that cannot be used, once for each change of theirs.
func (s *Source) refuse(now []stamp, err error) {
	if slices.EqualFunc(now, s.refused, stamp.same) {
		return
	}
	s.refused = now
	s.renewed(s.name, err)
	s.metrics.failed(s.name)
	s.logger.Error("a changed certificate cannot be used; what was loaded before stays", "listener", s.name, "error", err)
}

func (s *Source) show(next *content) {
	s.current.Store(next)
	leaf := next.certificate.Leaf
	s.metrics.loaded(s.name, leaf.NotAfter)
	log := s.logger.Info
	if time.Now().After(leaf.NotAfter) {
		log = s.logger.Warn
	}
	log("certificate loaded", "listener", s.name, "names", leaf.DNSNames, "expires", leaf.NotAfter)
}

// Watch uses what the files have come to hold, until ctx ends.
func (s *Source) Watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_, _ = s.Reload() // the log and the metrics tell
		case <-ctx.Done():
			return
		}
	}
}

func load(files Files) (*content, error) {
	pair, err := tls.LoadX509KeyPair(files.Certificate, files.Key)
	if err != nil {
		return nil, fmt.Errorf("loading the certificate %s with the key %s: %w", files.Certificate, files.Key, err)
	}
	c := &content{certificate: pair}
	if files.ClientCA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(files.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("loading the authorities of clients: %w", err)
	}
	c.clients = x509.NewCertPool()
	if !c.clients.AppendCertsFromPEM(pem) {
		return nil, errors.New("loading the authorities of clients: there is no certificate in " + files.ClientCA)
	}
	return c, nil
}

// stamp is by what a change of a file is noticed; nil: there is none.
type stamp struct{ os.FileInfo }

func (s stamp) same(as stamp) bool {
	if s.FileInfo == nil || as.FileInfo == nil {
		return s.FileInfo == nil && as.FileInfo == nil
	}
	return os.SameFile(s.FileInfo, as.FileInfo) && s.Size() == as.Size() && s.ModTime().Equal(as.ModTime())
}

func stamps(files Files) (all []stamp) {
	for _, name := range []string{files.Certificate, files.Key, files.ClientCA} {
		info, _ := os.Stat(name) // nil with an error
		all = append(all, stamp{info})
	}
	return all
}

// Metrics tell of the certificates of all listeners.
type Metrics struct {
	expiry     *prometheus.GaugeVec
	failures   *prometheus.CounterVec
	handshakes *prometheus.CounterVec
}

// NewMetrics registers them.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		expiry: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "pushgate_certificate_expiry_timestamp_seconds", Help: "When the certificate that a listener shows expires, in Unix time.",
		}, []string{"listener"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pushgate_certificate_failures_total", Help: "Changed certificate files that could not be used.",
		}, []string{"listener"}),
		handshakes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pushgate_tls_handshake_failures_total", Help: "Peers of the HTTP and gRPC listeners that said something and did not come to speak TLS: plain text, old versions, certificates that one side does not trust.",
		}, []string{"listener"}),
	}
	registry.MustRegister(m.expiry, m.failures, m.handshakes)
	return m
}

func (m *Metrics) loaded(listener string, expires time.Time) {
	m.failures.WithLabelValues(listener)
	m.handshakes.WithLabelValues(listener)
	m.expiry.WithLabelValues(listener).Set(float64(expires.Unix()))
}

func (m *Metrics) failed(listener string) { m.failures.WithLabelValues(listener).Inc() }
