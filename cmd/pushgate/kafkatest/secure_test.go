package kafkatest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"pushgate/cmd/pushgate/pushgatetest"
)

// credentials are files with a certificate for 127.0.0.1 and its key.
type credentials struct {
	pair      tls.Certificate
	cert, key string
}

func newCredentials(t *testing.T) credentials {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	c := credentials{pair: s.TLS.Certificates[0]}
	key, err := x509.MarshalPKCS8PrivateKey(c.pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	c.cert = write(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.pair.Certificate[0]}))
	c.key = write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	return c
}

func write(t *testing.T, name string, content []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// secureKafka is a broker with TLS where ada has the password secret, and the
// file with what to trust. The one in this process wants a certificate too.
func secureKafka(t *testing.T, c credentials) (k *kafka, ca string) {
	t.Helper()
	k, ca = &kafka{t: t}, c.cert
	if address := os.Getenv("PUSHGATE_TEST_KAFKA_SECURE"); address != "" {
		k.brokers, ca = []string{address}, os.Getenv("PUSHGATE_TEST_KAFKA_CA")
	} else {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second),
			kfake.TLS(&tls.Config{Certificates: []tls.Certificate{c.pair}, ClientAuth: tls.RequireAnyClientCert}),
			kfake.EnableSASL(), kfake.Superuser("PLAIN", "ada", "secret"), kfake.Superuser("SCRAM-SHA-512", "ada", "secret"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cluster.Close)
		k.brokers = cluster.ListenAddrs()
	}
	trusted, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(trusted) {
		t.Fatalf("no certificate in %s", ca)
	}
	k.connect(kgo.SASL(plain.Auth{User: "ada", Pass: "secret"}.AsMechanism()),
		kgo.DialTLSConfig(&tls.Config{RootCAs: pool, Certificates: []tls.Certificate{c.pair}}))
	return k, ca
}

func TestPasswordAndCertificates(t *testing.T) {
	c := newCredentials(t)
	k, ca := secureKafka(t, c)
	topic := k.topic(1)
	s := k.serve("g-"+topic, topic, []string{
		"--kafka-tls", "--kafka-tls-ca=" + ca, "--kafka-tls-cert=" + c.cert, "--kafka-tls-key=" + c.key,
		"--kafka-sasl-mechanism=SCRAM-SHA-512", "--kafka-sasl-username=ada", "--kafka-sasl-password=secret",
	})
	subscriber := pushgatetest.Launch(t, s.Command("subscribe", "p0", "--from=earliest"))
	if err := k.numbered(topic, 1, 0, 1); err != nil {
		t.Fatal(err)
	}
	wantLine(t, subscriber, "p0 1 0")
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if strings.Contains(s.Stderr(), "secret") {
		t.Errorf("the log has the password:\n%s", s.Stderr())
	}
}

func TestFilesThatAreNoCertificates(t *testing.T) {
	c := newCredentials(t)
	config := write(t, "pushgate.yaml", []byte("kafka:\n  brokers: [localhost:9092]\n  tls: true\n  sources:\n    a:\n      topics: [a]\n"))
	for want, args := range map[string][]string{
		"kafka.tls_ca: open nowhere: no such file or directory":             {"--kafka-tls-ca=nowhere"},
		"kafka.tls_ca: there is no certificate in " + c.key:                 {"--kafka-tls-ca=" + c.key},
		"kafka.tls_cert: tls: failed to find any PEM data in key input":     {"--kafka-tls-cert=" + c.cert, "--kafka-tls-key=" + config},
		"kafka.tls_cert: tls: found a certificate rather than a key in the": {"--kafka-tls-cert=" + c.cert, "--kafka-tls-key=" + c.cert},
	} {
		got := pushgatetest.Run(t, pushgatetest.Command{Args: append([]string{"serve", "--config=" + config}, args...)})
		if last := got.Err[strings.LastIndexByte(strings.TrimSpace(got.Err), '\n')+1:]; got.Code == 0 || !strings.Contains(last, want) {
			t.Errorf("exit code %d, %q, want %q", got.Code, got.Err, want)
		}
	}
}
