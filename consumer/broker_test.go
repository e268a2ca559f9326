package consumer

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

// What a broker does to its clients can mostly be had only from the one in this
// process.

func TestBrokerRestart(t *testing.T) {
	dir := t.TempDir()
	f, m := newFake(t, kfake.DataDir(dir)), newMemory()
	topic := f.topic(2)
	f.numbered(topic, 0, 0, 100)
	c := run(t, m, f.config(sourceOf(topic)))
	m.waitCount(t, "p0", 100)
	_, port, err := net.SplitHostPort(f.brokers[0])
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	f.fake.Close()
	eventually(t, "the loss to be noticed", func() bool { return len(c.Health()) > 0 })
	f.start(kfake.DataDir(dir), kfake.Ports(number), kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second))
	f.connect()
	f.numbered(topic, 0, 100, 200)
	f.numbered(topic, 1, 0, 100)
	m.waitCount(t, "p0", 200)
	m.waitCount(t, "p1", 100)
	m.wantNumbers(t, "p0", 0, 200)
	m.wantNumbers(t, "p1", 0, 100)
	eventually(t, "all to be well", func() bool { return len(c.Health()) == 0 })
}

// Partitions move between brokers, and the group's coordinator does too.
func TestLeadersMove(t *testing.T) {
	f, m := newFake(t, kfake.NumBrokers(3)), newMemory()
	topic := f.topic(4)
	run(t, m, f.config(sourceOf(topic)))
	for n := 0; n < 500; n += 50 {
		for p := range 4 {
			f.numbered(topic, p, n, n+50)
		}
		f.fake.ShufflePartitionLeaders()
		if n%200 == 0 {
			f.fake.RehashCoordinators()
		}
		m.waitCount(t, "p0", n+50)
	}
	for p := range 4 {
		channel := "p" + strconv.Itoa(p)
		m.waitCount(t, channel, 500)
		m.wantNumbers(t, channel, 0, 500)
	}
}

// Compaction leaves holes, also at the ends of batches.
func TestCompactedTopic(t *testing.T) {
	f, m := newFake(t), newMemory()
	if err := f.fake.CreateTopic("compacted", 1, map[string]string{
		"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0", "segment.bytes": "1000",
	}); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		f.numbered("compacted", 0, 0, 10) // the last of each batch is the only one kept
	}
	f.fake.Compact()
	f.produce(record("compacted", 0, "end", "1"))
	run(t, m, f.config(sourceOf("compacted")))
	m.waitCount(t, "end", 1)
	if got := len(m.data("p0")); got >= 200 {
		t.Errorf("nothing was compacted: %d records", got)
	}
}

// A partition goes on when all in-sync replicas have a dead letter, not before.
func TestDeadLettersAreAcknowledgedByAll(t *testing.T) {
	f, m := newFake(t), newMemory()
	topic, cfg := f.poisoned()
	cfg.Sources[0].DeadLetter = f.topic(1)
	acks, refused := make(chan int16, 10), false
	f.fake.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		f.fake.KeepControl()
		produce, ok := request.(*kmsg.ProduceRequest)
		if !ok {
			return nil, nil, false
		}
		acks <- produce.Acks
		if refused {
			return nil, nil, false
		}
		refused = true
		response, ok := produce.ResponseKind().(*kmsg.ProduceResponse)
		if !ok {
			return nil, nil, false
		}
		for _, t := range produce.Topics {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.Partition, partition.ErrorCode = t.Partitions[0].Partition, kerr.NotEnoughReplicas.Code
			of := kmsg.NewProduceResponseTopic()
			of.Topic, of.TopicID, of.Partitions = t.Topic, t.TopicID, append(of.Partitions, partition)
			response.Topics = append(response.Topics, of)
		}
		return response, nil, true
	})
	run(t, m, cfg)
	m.waitPosition(t, topic, 0, 6)
	for range 2 {
		if got := <-acks; got != -1 {
			t.Errorf("written with acks=%d", got)
		}
	}
	f.letters(cfg.Sources[0].DeadLetter, 3)
	if n := value(t, cfg, "pushgate_kafka_failures_total", "operation", "dead_letter"); n != 1 {
		t.Errorf("%v failures", n)
	}
	if got := fmt.Sprint(m.data("a")); got != "[1 3 4]" {
		t.Errorf("got %s", got)
	}
}

func TestOldBroker(t *testing.T) {
	f, m := newFake(t, kfake.MaxVersions(kversion.V2_8_0())), newMemory()
	c := run(t, m, f.config(sourceOf("a")))
	eventually(t, "it to be refused", func() bool { return len(c.Health()) > 0 })
	if got := strings.Join(c.Health(), "\n"); !strings.Contains(got, "Kafka 3.1 or newer is needed") {
		t.Errorf("health: %s", got)
	}
}

// What a real Kafka that asks for a password is called, and what signed its
// certificate.
const (
	envSecure = "PUSHGATE_TEST_KAFKA_SECURE"
	envCA     = "PUSHGATE_TEST_KAFKA_CA"
)

// newSecure is a Kafka with TLS where ada has the password secret, by every
// mechanism.
func newSecure(t *testing.T) (*fixture, *tls.Config) {
	t.Helper()
	f := &fixture{t: t}
	var trusted *tls.Config
	if address := os.Getenv(envSecure); address != "" {
		pem, err := os.ReadFile(os.Getenv(envCA))
		if err != nil {
			t.Fatal(err)
		}
		trusted = &tls.Config{RootCAs: x509.NewCertPool()}
		if !trusted.RootCAs.AppendCertsFromPEM(pem) {
			t.Fatalf("no certificate in %s", pem)
		}
		f.brokers = []string{address}
	} else {
		var server *tls.Config
		server, trusted = certificate(t)
		options := []kfake.Opt{kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second), kfake.EnableSASL(), kfake.TLS(server)}
		for _, mechanism := range []string{Plain, SCRAM256, SCRAM512} {
			options = append(options, kfake.Superuser(mechanism, "ada", "secret"))
		}
		f.start(options...)
		t.Cleanup(f.fake.Close)
	}
	f.connect(kgo.SASL(plain.Auth{User: "ada", Pass: "secret"}.AsMechanism()), kgo.DialTLSConfig(trusted))
	return f, trusted
}

func TestSASL(t *testing.T) {
	for _, mechanism := range []string{Plain, SCRAM256, SCRAM512} {
		t.Run(mechanism, func(t *testing.T) {
			f, trusted := newSecure(t)
			m := newMemory()
			topic, dead := f.topic(1), f.topic(1)
			f.produce(record(topic, 0, "", "bad"))
			f.numbered(topic, 0, 0, 10)
			cfg := f.config(sourceOf(topic))
			cfg.TLS, cfg.Sources[0].DeadLetter = trusted, dead
			cfg.SASL = SASL{Mechanism: mechanism, Username: "ada", Password: "wrong"}
			c := run(t, m, cfg)
			eventually(t, "it to be refused", func() bool { return len(c.Health()) > 0 })
			if got := strings.Join(c.Health(), "\n"); !strings.Contains(got, "SASL") || strings.Contains(got, "wrong") {
				t.Errorf("health: %s", got)
			}
			c.Stop()
			cfg.SASL.Password, cfg.Registry = "secret", f.config().Registry
			run(t, m, cfg)
			m.waitCount(t, "p0", 10)
			m.wantNumbers(t, "p0", 0, 10)
		})
	}
}

func TestTLS(t *testing.T) {
	server, trusted := certificate(t)
	f, m := &fixture{t: t}, newMemory()
	f.start(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second), kfake.TLS(server))
	t.Cleanup(f.fake.Close)
	f.connect(kgo.DialTLSConfig(trusted))
	topic, dead := f.topic(1), f.topic(1)
	f.produce(record(topic, 0, "", "bad"))
	f.numbered(topic, 0, 0, 10)
	cfg := f.config(sourceOf(topic))
	cfg.TLS, cfg.Sources[0].DeadLetter = trusted, dead
	run(t, m, cfg)
	m.waitCount(t, "p0", 10)
	m.wantNumbers(t, "p0", 0, 10)
}

// certificate is one for 127.0.0.1, and what trusts it.
func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates}, &tls.Config{RootCAs: pool}
}

// Members come and go all the time; whatever is read is read once.
func TestRebalanceStorm(t *testing.T) {
	const partitions, rounds, each = 4, 10, 200
	f, m := newFixture(t), newMemory()
	topic := f.topic(partitions)
	source := sourceOf(topic)
	source.BatchRecords = 20
	steady := run(t, m, f.config(source))
	for round := range rounds {
		for p := range partitions {
			f.numbered(topic, p, round*each, (round+1)*each)
		}
		guest := run(t, m, f.config(source))
		eventually(t, "the guest to get partitions", func() bool { return len(guest.assigned.all()) == partitions/2 })
		guest.Stop()
	}
	for p := range partitions {
		channel := "p" + strconv.Itoa(p)
		m.waitCount(t, channel, rounds*each)
		m.wantNumbers(t, channel, 0, rounds*each)
	}
	steady.Stop()
	if got := len(steady.assigned.all()); got != 0 {
		t.Errorf("%d partitions after Stop", got)
	}
}
