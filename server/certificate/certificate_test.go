package certificate_test

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pushgate/server/certificate"
	"pushgate/server/certificate/certificatetest"
)

// listener has certificates, and knows what it was told of them.
type listener struct {
	t         *testing.T
	source    *certificate.Source
	files     certificate.Files
	authority *certificatetest.Authority
	dir       string
	registry  *prometheus.Registry
	told      []string
}

func open(t *testing.T) *listener {
	t.Helper()
	l := &listener{t: t, authority: certificatetest.New(t), dir: t.TempDir(), registry: prometheus.NewRegistry()}
	l.issue()
	var err error
	l.source, err = certificate.Open("http", l.files, slog.New(slog.DiscardHandler), certificate.NewMetrics(l.registry), func(_ string, err error) {
		if err != nil {
			l.told = append(l.told, "refused")
		} else {
			l.told = append(l.told, "loaded")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *listener) issue() {
	l.files.Certificate, l.files.Key = l.authority.Issue(l.dir, "node", time.Hour)
}

func (l *listener) spoil() {
	l.t.Helper()
	if err := os.WriteFile(l.files.Key, []byte("not PEM"), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// shown is the serial number of the certificate that a client gets.
func (l *listener) shown() string {
	l.t.Helper()
	c, err := l.source.Config().GetConfigForClient(&tls.ClientHelloInfo{})
	if err != nil {
		l.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(c.Certificates[0].Certificate[0])
	if err != nil {
		l.t.Fatal(err)
	}
	return leaf.SerialNumber.String()
}

func (l *listener) failures() (n float64) {
	l.t.Helper()
	families, err := l.registry.Gather()
	if err != nil {
		l.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "pushgate_certificate_failures_total" {
			n += family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return n
}

// What cannot be used stays an error until it is mended, and is told of once.
func TestBrokenUntilMended(t *testing.T) {
	l := open(t)
	first := l.shown()
	l.spoil()
	for range 3 {
		if changed, err := l.source.Reload(); err == nil || changed {
			t.Fatal("a broken certificate is taken")
		}
	}
	if got := strings.Join(l.told, " "); got != "refused" {
		t.Errorf("it was told %q", got)
	}
	if n := l.failures(); n != 1 {
		t.Errorf("%v failures are counted", n)
	}
	if l.shown() != first {
		t.Error("the one that was there is not shown any more")
	}
	l.issue()
	if changed, err := l.source.Reload(); err != nil || !changed {
		t.Fatalf("it was mended: %v", err)
	}
	if l.shown() == first {
		t.Error("the one that mends it is not shown")
	}
	if changed, err := l.source.Reload(); err != nil || changed {
		t.Errorf("nothing has changed since: %v", err)
	}
	if got := strings.Join(l.told, " "); got != "refused loaded" {
		t.Errorf("it was told %q", got)
	}
}
