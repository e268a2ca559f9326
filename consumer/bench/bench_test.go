package bench_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"pushgate/consumer"
	"pushgate/push"
	"pushgate/store"
	"pushgate/store/postgres"
	"pushgate/store/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	partitions = 8
	channels   = 10_000
	records    = 160_000
	batchSize  = 512
	rounds     = 3 // of which the median counts
)

var payload = []byte(`{"text":"` + strings.Repeat("abcdefghi", 13) + `"}`)

func channel(n int) string { return fmt.Sprintf("c%d", n%channels) }

// preload makes a topic with all records, and answers it with its brokers.
func preload(b *testing.B) (brokers []string, topic string) {
	b.Helper()
	if named := os.Getenv("PUSHGATE_TEST_KAFKA"); named != "" {
		brokers = strings.Split(named, ",")
	} else {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(cluster.Close)
		brokers = cluster.ListenAddrs()
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	topic = "bench-" + rand.Text()
	request := kmsg.NewPtrCreateTopicsRequest()
	created := kmsg.NewCreateTopicsRequestTopic()
	created.Topic, created.NumPartitions, created.ReplicationFactor = topic, partitions, 1
	request.Topics = append(request.Topics, created)
	if _, err := request.RequestWith(b.Context(), client); err != nil {
		b.Fatal(err)
	}
	for n := range records {
		client.Produce(b.Context(), &kgo.Record{Topic: topic, Partition: int32(n % partitions), Key: []byte(channel(n)), Value: payload}, nil)
	}
	if err := client.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	return brokers, topic
}

// consume reads a whole topic and answers records a second.
func consume(b *testing.B, brokers []string, topic string, into *counted) float64 {
	b.Helper()
	cfg := consumer.DefaultConfig()
	cfg.Brokers, cfg.GroupID, cfg.Registry = brokers, "bench-"+rand.Text(), prometheus.NewRegistry()
	source := consumer.DefaultSource()
	source.Name, source.Topics = "bench", []string{topic}
	cfg.Sources = []consumer.Source{source}
	into.reset(records)
	c, err := consumer.New(into, cfg)
	if err != nil {
		b.Fatal(err)
	}
	c.Start()
	defer c.Stop()
	<-into.done
	return records / time.Since(into.began).Seconds()
}

// counted is a Publisher that knows when all is there; the clock starts at the
// first batch, when the group is joined.
type counted struct {
	ingest func(ctx context.Context, messages []consumer.Message, p store.Position) error
	reader func(ctx context.Context, keys []store.SourceKey) ([]store.Position, error)

	left  atomic.Int64
	once  sync.Once
	began time.Time
	done  chan struct{}
}

func (c *counted) reset(n int64) {
	c.left.Store(n)
	c.once, c.done = sync.Once{}, make(chan struct{})
}

func (c *counted) Ingest(ctx context.Context, messages []consumer.Message, p store.Position) error {
	c.once.Do(func() { c.began = time.Now() })
	if err := c.ingest(ctx, messages, p); err != nil {
		return err
	}
	if c.left.Add(-int64(len(messages))) == 0 {
		close(c.done)
	}
	return nil
}

func (c *counted) Positions(ctx context.Context, keys []store.SourceKey) ([]store.Position, error) {
	if c.reader == nil {
		return nil, nil
	}
	return c.reader(ctx, keys)
}

// BenchmarkRead is the way from the broker to a Publisher that takes everything.
func BenchmarkRead(b *testing.B) {
	brokers, topic := preload(b)
	into := &counted{ingest: func(context.Context, []consumer.Message, store.Position) error { return nil }}
	for b.Loop() {
		b.ReportMetric(consume(b, brokers, topic, into), "records/s")
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkStore is the way from the broker into PostgreSQL, beside what the store
// alone takes of the same batches from as many goroutines.
func BenchmarkStore(b *testing.B) {
	brokers, topic := preload(b)
	server := pgtest.StartServer(b, pgtest.Options{Durable: true, Settings: map[string]string{"max_wal_size": "4GB", "shared_buffers": "512MB"}})
	db, err := postgres.Open(b.Context(), server.New(b, "bench"), postgres.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	if _, _, err := db.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	engine, err := push.New(db, push.DefaultConfig())
	if err != nil {
		b.Fatal(err)
	}
	engine.Start()
	b.Cleanup(engine.Stop)
	into := &counted{reader: db.Positions, ingest: func(ctx context.Context, messages []consumer.Message, p store.Position) error {
		publications := make([]push.Publication, len(messages))
		for i, m := range messages {
			publications[i] = push.Publication{Channel: m.Channel, Data: m.Data}
		}
		_, err := engine.Ingest(ctx, publications, p)
		return err
	}}
	var ours, alone, ratios []float64
	for b.Loop() {
		for range rounds {
			a, o := storeAlone(b, db), consume(b, brokers, topic, into)
			ours, alone, ratios = append(ours, o), append(alone, a), append(ratios, o/a)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(ours), "records/s")
	b.ReportMetric(median(alone), "store:records/s")
	b.ReportMetric(median(ratios), "ratio")
}

// storeAlone appends the same batches without Kafka and engine.
func storeAlone(b *testing.B, db *postgres.Store) float64 {
	b.Helper()
	began := time.Now()
	var running sync.WaitGroup
	source := rand.Text()
	for p := range partitions {
		running.Go(func() {
			at := store.Position{SourceKey: store.SourceKey{Source: source, Topic: "t", Partition: p}, Incarnation: "i"}
			for n := p; n < records; {
				batch := store.Batch{Position: &at}
				for ; n < records && len(batch.Messages) < batchSize; n += partitions {
					batch.Messages = append(batch.Messages, store.Message{Channel: channel(n), Data: payload, Time: time.Now().Truncate(time.Millisecond)})
				}
				at.First, at.Next = at.Next, at.Next+int64(len(batch.Messages))
				if _, err := db.Append(b.Context(), batch); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	return records / time.Since(began).Seconds()
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
