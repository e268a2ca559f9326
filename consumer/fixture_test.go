package consumer

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long anything is waited for before the test fails.
const patience = 60 * time.Second

// envKafka names the brokers of a real Kafka, with commas; the tests that need
// nothing of the fake one run against it.
const envKafka = "PUSHGATE_TEST_KAFKA"

// fixture is a Kafka, with an independent client to prepare it.
type fixture struct {
	t       testing.TB
	brokers []string
	fake    *kfake.Cluster // nil: a real one
	client  *kgo.Client
	group   string
}

// newFixture uses the real Kafka if there is one.
func newFixture(t testing.TB) *fixture {
	t.Helper()
	if brokers := os.Getenv(envKafka); brokers != "" {
		f := &fixture{t: t, brokers: strings.Split(brokers, ",")}
		f.connect()
		return f
	}
	return newFake(t)
}

// newFake starts a broker in this process, which speaks Kafka's protocol over TCP.
func newFake(t testing.TB, options ...kfake.Opt) *fixture {
	t.Helper()
	f := &fixture{t: t}
	f.start(append([]kfake.Opt{kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second)}, options...)...)
	t.Cleanup(func() { f.fake.Close() })
	f.connect()
	return f
}

func (f *fixture) start(options ...kfake.Opt) {
	f.t.Helper()
	eventually(f.t, "a broker on its port", func() bool {
		var err error
		if f.fake, err = kfake.NewCluster(options...); err != nil {
			f.t.Log(err)
		}
		return err == nil
	})
	f.brokers = f.fake.ListenAddrs()
}

func (f *fixture) connect(options ...kgo.Opt) {
	f.t.Helper()
	f.group = "group-" + rand.Text()
	f.client = f.newClient(options...)
}

// newClient is a client of its own, closed with the test.
func (f *fixture) newClient(options ...kgo.Opt) *kgo.Client {
	f.t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(f.brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(50 * time.Millisecond), kgo.ProducerLinger(0),
	}, options...)...)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(client.Close)
	return client
}

func (f *fixture) context() context.Context {
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	f.t.Cleanup(cancel)
	return ctx
}

// topic creates a topic with a name of its own.
func (f *fixture) topic(partitions int) string {
	f.t.Helper()
	name := "topic-" + rand.Text()
	f.create(name, partitions)
	return name
}

func (f *fixture) create(name string, partitions int) {
	f.t.Helper()
	request := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, int32(partitions), 1
	request.Topics = append(request.Topics, topic)
	request.TimeoutMillis = 10_000
	response, err := request.RequestWith(f.context(), f.client)
	if err != nil || response.Topics[0].ErrorCode != 0 {
		f.t.Fatalf("creating %s: %v %+v", name, err, response)
	}
}

func (f *fixture) delete(name string) {
	f.t.Helper()
	request := kmsg.NewPtrDeleteTopicsRequest()
	topic := kmsg.NewDeleteTopicsRequestTopic()
	topic.Topic = new(name)
	request.Topics, request.TopicNames = append(request.Topics, topic), []string{name}
	request.TimeoutMillis = 10_000
	response, err := request.RequestWith(f.context(), f.client)
	if err != nil || response.Topics[0].ErrorCode != 0 {
		f.t.Fatalf("deleting %s: %v %+v", name, err, response)
	}
	f.client.PurgeTopicsFromClient(name)
}

// record is one to produce.
func record(topic string, partition int, key, value string, headers ...string) *kgo.Record {
	r := &kgo.Record{Topic: topic, Partition: int32(partition), Key: []byte(key), Value: []byte(value)}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: headers[i], Value: []byte(headers[i+1])})
	}
	return r
}

func (f *fixture) produce(records ...*kgo.Record) {
	f.t.Helper()
	if err := f.client.ProduceSync(f.context(), records...).FirstErr(); err != nil {
		f.t.Fatalf("producing: %v", err)
	}
}

// numbered produces records n0 to n1-1 to a partition: their values are JSON
// numbers, their keys name the partition.
func (f *fixture) numbered(topic string, partition, n0, n1 int) {
	f.t.Helper()
	var records []*kgo.Record
	for n := n0; n < n1; n++ {
		records = append(records, record(topic, partition, fmt.Sprintf("p%d", partition), fmt.Sprint(n)))
	}
	f.produce(records...)
}

// config is for short tests; the sources begin with the defaults.
func (f *fixture) config(sources ...Source) Config {
	cfg := DefaultConfig()
	cfg.Brokers, cfg.GroupID, cfg.Sources = f.brokers, f.group, sources
	cfg.SessionTimeout = 2 * time.Second
	cfg.Registry = prometheus.NewRegistry()
	if testing.Verbose() {
		cfg.Logger = slog.New(slog.NewTextHandler(f.t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	cfg.timing.metadata, cfg.timing.lag, cfg.timing.rejoin = 100*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
	cfg.timing.retry, cfg.timing.retryMost = 10*time.Millisecond, 200*time.Millisecond
	cfg.timing.wait, cfg.timing.truncated, cfg.timing.stuck = 200*time.Millisecond, 300*time.Millisecond, 100*time.Millisecond
	return cfg
}

// source reads topics into the channels that the keys name.
func sourceOf(topics ...string) Source {
	s := DefaultSource()
	s.Name, s.Topics = "test", topics
	return s
}

// run starts a consumer and stops it with the test.
func run(t testing.TB, publisher Publisher, cfg Config) *Consumer {
	t.Helper()
	c, err := New(publisher, cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.Start()
	t.Cleanup(c.Stop)
	return c
}

// value is a metric's: the sum over the series that have the label values.
func value(t testing.TB, cfg Config, name string, labels ...string) float64 {
	t.Helper()
	families, err := cfg.Registry.(*prometheus.Registry).Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
	series:
		for _, m := range family.GetMetric() {
			for i := 0; i+1 < len(labels); i += 2 {
				found := false
				for _, l := range m.GetLabel() {
					found = found || l.GetName() == labels[i] && l.GetValue() == labels[i+1]
				}
				if !found {
					continue series
				}
			}
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// eventually waits for what gives no signal.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// letters reads n records of a topic with one partition from its beginning.
func (f *fixture) letters(topic string, n int) []*kgo.Record {
	f.t.Helper()
	client := f.newClient(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	var records []*kgo.Record
	for ctx := f.context(); len(records) < n; {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			f.t.Fatalf("%d of %d records in %s", len(records), n, topic)
		}
		records = append(records, fetches.Records()...)
	}
	return records
}

// headers are those of a record by their names.
func headers(r *kgo.Record) map[string]string {
	all := map[string]string{}
	for _, h := range r.Headers {
		all[h.Key] = string(h.Value)
	}
	return all
}

// deleteRecords lets Kafka delete what is before an offset.
func (f *fixture) deleteRecords(topic string, partition int, before int64) {
	f.t.Helper()
	request := kmsg.NewPtrDeleteRecordsRequest()
	part := kmsg.NewDeleteRecordsRequestTopicPartition()
	part.Partition, part.Offset = int32(partition), before
	of := kmsg.NewDeleteRecordsRequestTopic()
	of.Topic, of.Partitions = topic, append(of.Partitions, part)
	request.Topics = append(request.Topics, of)
	request.TimeoutMillis = 10_000
	for _, shard := range f.client.RequestSharded(f.context(), request) {
		response, ok := shard.Resp.(*kmsg.DeleteRecordsResponse)
		if shard.Err != nil || !ok || response.Topics[0].Partitions[0].ErrorCode != 0 {
			f.t.Fatalf("deleting records: %v %+v", shard.Err, response)
		}
	}
}
