package bench_test

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"pushgate/consumer"
	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/store"
	"pushgate/store/postgres/pgtest"
)

// BenchmarkFromKafka: one channel, 1,000 live subscribers, from the producer of
// the records to the last subscriber; beside the same messages by PublishStream.
func BenchmarkFromKafka(b *testing.B) {
	const subscribers, messages = 1000, 5000
	n := startNode(b, pgtest.StartServer(b, pgtest.Options{Durable: true}).New(b, "pushgate"))
	client, topic := consume(b, n, "kafka")
	for b.Loop() {
		compare(b, "deliveries/s", "stream",
			func() float64 {
				return toSubscribers(b, n, "kafka", subscribers, messages, func() {
					for range messages {
						client.Produce(b.Context(), &kgo.Record{Topic: topic, Key: []byte("kafka"), Value: payload}, nil)
					}
					if err := client.Flush(b.Context()); err != nil {
						b.Fatal(err)
					}
				})
			},
			func() float64 {
				return toSubscribers(b, n, "stream", subscribers, messages, func() { streamTo(b, n, "stream", messages) })
			})
	}
}

// toSubscribers answers deliveries a second.
func toSubscribers(b *testing.B, n *node, channel string, subscribers, messages int, publish func()) float64 {
	b.Helper()
	var group sync.WaitGroup
	for range subscribers {
		s := dial(b, n.http.Listener.Addr().String(), "channel="+channel)
		defer func() { _ = s.Close() }()
		if err := s.skip(2); err != nil { // connected, subscribed
			b.Fatal(err)
		}
		group.Go(func() {
			if err := s.skip(messages); err != nil {
				b.Error(err)
			}
		})
	}
	start := time.Now()
	publish()
	group.Wait()
	return float64(subscribers*messages) / time.Since(start).Seconds()
}

func streamTo(b *testing.B, n *node, channel string, messages int) {
	b.Helper()
	publishing, err := n.client.PublishStream(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var receiving sync.WaitGroup
	receiving.Go(func() {
		for range messages {
			if _, err := publishing.Recv(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	for k := range messages {
		request := &pb.PublishRequest{Channel: channel, Data: payload}
		if err := publishing.Send(&pb.PublishStreamRequest{CorrelationId: uint64(k), Request: request}); err != nil {
			b.Fatal(err)
		}
	}
	receiving.Wait()
	if err := publishing.CloseSend(); err != nil {
		b.Fatal(err)
	}
}

// consume starts a consumer of a topic of its own, and waits until it reads.
func consume(b *testing.B, n *node, channel string) (*kgo.Client, string) {
	b.Helper()
	brokers := strings.Split(os.Getenv("PUSHGATE_TEST_KAFKA"), ",")
	if brokers[0] == "" {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(cluster.Close)
		brokers = cluster.ListenAddrs()
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ProducerLinger(2*time.Millisecond)) // less loads the broker, which shares the cores
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	request := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "bench-"+rand.Text(), 1, 1
	request.Topics = append(request.Topics, topic)
	if _, err := request.RequestWith(b.Context(), client); err != nil {
		b.Fatal(err)
	}
	into := &kafkaIngest{node: n, first: make(chan struct{})}
	cfg := consumer.DefaultConfig()
	cfg.Brokers, cfg.GroupID, cfg.Registry = brokers, topic.Topic, prometheus.NewRegistry()
	source := consumer.DefaultSource()
	source.Name, source.Topics = "bench", []string{topic.Topic}
	cfg.Sources = []consumer.Source{source}
	c, err := consumer.New(into, cfg)
	if err != nil {
		b.Fatal(err)
	}
	c.Start()
	b.Cleanup(c.Stop)
	if err := client.ProduceSync(b.Context(), &kgo.Record{Topic: topic.Topic, Key: []byte(channel), Value: payload}).FirstErr(); err != nil {
		b.Fatal(err)
	}
	<-into.first
	return client, topic.Topic
}

// kafkaIngest is what cmd wires.
type kafkaIngest struct {
	*node
	once  sync.Once
	first chan struct{}
}

func (k *kafkaIngest) Ingest(ctx context.Context, messages []consumer.Message, p store.Position) error {
	publications := make([]push.Publication, len(messages))
	for i, m := range messages {
		publications[i] = push.Publication{Channel: m.Channel, Data: m.Data}
	}
	_, err := k.engine.Ingest(ctx, publications, p)
	k.once.Do(func() { close(k.first) })
	return err
}

func (k *kafkaIngest) Positions(ctx context.Context, keys []store.SourceKey) ([]store.Position, error) {
	return k.store.Positions(ctx, keys)
}
