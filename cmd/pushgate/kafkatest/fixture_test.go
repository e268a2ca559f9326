package kafkatest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"pushgate/cmd/pushgate/pushgatetest"
	"pushgate/store/postgres/pgtest"
)

func TestMain(m *testing.M) {
	os.Exit(pgtest.Around(func() int { return pushgatetest.Around(m.Run) }))
}

// kafka is the broker in this process, or the real one.
type kafka struct {
	t       *testing.T
	brokers []string
	client  *kgo.Client
}

func startKafka(t *testing.T) *kafka {
	t.Helper()
	k := &kafka{t: t}
	if named := os.Getenv("PUSHGATE_TEST_KAFKA"); named != "" {
		k.brokers = strings.Split(named, ",")
	} else {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cluster.Close)
		k.brokers = cluster.ListenAddrs()
	}
	k.connect()
	return k
}

func (k *kafka) connect(options ...kgo.Opt) {
	k.t.Helper()
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(k.brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(client.Close)
	k.client = client
}

// topic creates a topic with a name of its own.
func (k *kafka) topic(partitions int) string {
	k.t.Helper()
	request := kmsg.NewPtrCreateTopicsRequest()
	created := kmsg.NewCreateTopicsRequestTopic()
	created.Topic, created.NumPartitions, created.ReplicationFactor = "topic-"+rand.Text(), int32(partitions), 1
	request.Topics = append(request.Topics, created)
	response, err := request.RequestWith(k.t.Context(), k.client)
	if err != nil || response.Topics[0].ErrorCode != 0 {
		k.t.Fatalf("creating a topic: %v %+v", err, response)
	}
	return created.Topic
}

// numbered produces the numbers n0 to n1-1 to each of the partitions; the key
// names the partition.
func (k *kafka) numbered(topic string, partitions, n0, n1 int) error {
	for n := n0; n < n1; n++ {
		for p := range partitions {
			k.client.Produce(k.t.Context(), &kgo.Record{
				Topic: topic, Partition: int32(p), Key: fmt.Appendf(nil, "p%d", p), Value: fmt.Append(nil, n),
			}, nil)
		}
	}
	return k.client.Flush(k.t.Context())
}

// kcat produces lines of "key:value" by a client that knows nothing of this
// project; where it is not installed, by another.
func (k *kafka) kcat(topic string, lines ...string) {
	k.t.Helper()
	path, err := exec.LookPath("kcat")
	if err != nil {
		k.t.Log("kcat is not installed; franz-go produces")
		for _, line := range lines {
			key, value, _ := strings.Cut(line, ":")
			if err := k.client.ProduceSync(k.t.Context(), &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(value)}).FirstErr(); err != nil {
				k.t.Fatal(err)
			}
		}
		return
	}
	command := exec.CommandContext(k.t.Context(), path, "-P", "-b", k.brokers[0], "-t", topic, "-K", ":")
	command.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if out, err := command.CombinedOutput(); err != nil {
		k.t.Fatalf("kcat: %v\n%s", err, out)
	}
}

// serve starts a node that reads a topic, its keys being the channels. extra are
// lines of YAML for the source.
func (k *kafka) serve(group, topic string, args []string, extra ...string) *pushgatetest.Server {
	k.t.Helper()
	file := filepath.Join(k.t.TempDir(), "pushgate.yaml")
	text := fmt.Sprintf("kafka:\n  brokers: [%s]\n  group: %s\n  session_timeout: 1s\n  sources:\n    test:\n      topics: [%s]\n",
		strings.Join(k.brokers, ", "), group, topic)
	for _, line := range extra {
		text += "      " + line + "\n"
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		k.t.Fatal(err)
	}
	return pushgatetest.Start(k.t, pushgatetest.Command{Args: append([]string{"--config=" + file}, args...)})
}

// stores calls test with the arguments of a server for each store.
func stores(t *testing.T, test func(t *testing.T, args []string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, nil) })
	t.Run("postgres", func(t *testing.T) { test(t, []string{"--store-url=" + pgtest.New(t)}) })
}

// wantLine reads a line of a subscriber.
func wantLine(t *testing.T, p *pushgatetest.Process, want string) {
	t.Helper()
	if got := p.Line(); got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

// page reads a page of a node's HTTP side.
func page(t *testing.T, s *pushgatetest.Server, path string) string {
	t.Helper()
	response, err := http.Get("http://" + s.HTTP + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var text strings.Builder
	if _, err := fmt.Fprint(&text, response.Status, " "); err != nil {
		t.Fatal(err)
	}
	if err := response.Write(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
