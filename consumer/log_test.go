package consumer

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"pushgate/consumer/broker"
	"pushgate/store"
)

// What Kafka's retention has deleted is told, and the rest is read.
func TestRetentionWhileAway(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic := f.topic(1)
	f.numbered(topic, 0, 0, 10)
	c := run(t, m, f.config(sourceOf(topic)))
	m.waitCount(t, "p0", 10)
	c.Stop()
	f.numbered(topic, 0, 10, 30)
	f.deleteRecords(topic, 0, 25)
	cfg := f.config(sourceOf(topic))
	c = run(t, m, cfg)
	m.waitCount(t, "p0", 15)
	c.Stop()
	if got := m.data("p0"); got[10] != "25" {
		t.Errorf("it went on at %s", got[10])
	}
	if n := value(t, cfg, "pushgate_kafka_missing_records_total", "topic", topic); n != 15 {
		t.Errorf("%v are said to be missing", n)
	}
}

func TestRetentionWhileTheStoreIsDown(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic := f.topic(1)
	hang, hangs := make(chan struct{}), make(chan struct{})
	m.before = func(_ []Message, p store.Position) error {
		if p.First == 0 {
			close(hangs)
			<-hang
		}
		return nil
	}
	f.numbered(topic, 0, 0, 1)
	cfg := f.config(sourceOf(topic))
	cfg.Memory = 1 << 20
	c := run(t, m, cfg)
	<-hangs
	for n := 1; n < 400; n++ { // far more than is read ahead
		f.produce(record(topic, 0, "p0", strings.Repeat("7", 4<<10)))
	}
	f.deleteRecords(topic, 0, 398)
	close(hang)
	m.waitPosition(t, topic, 0, 400)
	c.Stop()
	missing := value(t, cfg, "pushgate_kafka_missing_records_total")
	if stored := len(m.data("p0")); missing == 0 || stored+int(missing) != 400 {
		t.Errorf("%d were stored, %v are said to be missing, of 400", stored, missing)
	}
}

// A topic that is created anew is read from its beginning, whether it has more
// records than the old one or fewer.
func TestTopicCreatedAnew(t *testing.T) {
	for name, count := range map[string]int{"shorter": 5, "longer": 50} {
		t.Run(name, func(t *testing.T) {
			f, m := newFixture(t), newMemory()
			topic := f.topic(1)
			f.numbered(topic, 0, 0, 20)
			c := run(t, m, f.config(sourceOf(topic)))
			m.waitCount(t, "p0", 20)
			c.Stop()
			f.anew(topic)
			f.numbered(topic, 0, 20, 20+count)
			run(t, m, f.config(sourceOf(topic)))
			m.waitCount(t, "p0", 20+count)
			m.wantNumbers(t, "p0", 0, 20+count)
		})
	}
}

func TestTopicCreatedAnewUnderWay(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic := f.topic(1)
	f.numbered(topic, 0, 0, 20)
	run(t, m, f.config(sourceOf(topic)))
	m.waitCount(t, "p0", 20)
	f.anew(topic)
	f.numbered(topic, 0, 20, 60)
	m.waitCount(t, "p0", 60)
	m.wantNumbers(t, "p0", 0, 60)
}

// A former owner stores what it has read of the topic that was deleted when
// another member has begun to read the new one: neither disturbs the other.
func TestLateBatchOfADeletedTopic(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic := f.topic(1)
	hang, hangs := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(hang) })
	defer release()
	old := ""
	m.before = func(_ []Message, p store.Position) error {
		switch {
		case p.First == 0 && old == "":
			old = p.Incarnation
		case p.First == 10 && p.Incarnation == old:
			close(hangs)
			<-hang
		}
		return nil
	}
	source := sourceOf(topic)
	source.BatchRecords = 10
	config := func() Config {
		cfg := f.config(source)
		cfg.timing.rebalance = time.Second // a member that hangs is waited for so long
		return cfg
	}
	f.numbered(topic, 0, 0, 20)
	former := run(t, m, config())
	<-hangs
	f.anew(topic)
	f.numbered(topic, 0, 20, 40)
	owner := run(t, m, config())
	m.waitCount(t, "p0", 30)
	release()
	m.waitCount(t, "p0", 40)
	former.Stop()
	owner.Stop()
	run(t, m, config())
	f.numbered(topic, 0, 40, 50)
	m.waitCount(t, "p0", 50)
	want := ""
	for _, part := range [][2]int{{0, 10}, {20, 40}, {10, 20}, {40, 50}} {
		for n := part[0]; n < part[1]; n++ {
			want += strconv.Itoa(n) + " "
		}
	}
	if got := strings.Join(m.data("p0"), " ") + " "; got != want {
		t.Errorf("got %s", got)
	}
}

// anew deletes a topic with one partition and creates it again.
func (f *fixture) anew(topic string) {
	f.t.Helper()
	f.delete(topic)
	conn, err := (&broker.Dialer{Brokers: f.brokers, Timeout: patience}).Any(f.context())
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close()
	eventually(f.t, "the topic to be gone", func() bool {
		cluster, err := conn.Metadata(f.context(), topic)
		_, there := cluster.Topics[topic]
		return err == nil && !there
	})
	f.create(topic, 1)
}

// A log that ends before the position, of the same topic, was cut back: what
// comes now is new.
func TestLogCutBack(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic := f.topic(1)
	f.numbered(topic, 0, 0, 20)
	c := run(t, m, f.config(sourceOf(topic)))
	m.waitCount(t, "p0", 20)
	c.Stop()
	m.set(func(m *memory) {
		for key, p := range m.positions {
			p.Next = 100
			m.positions[key] = p
		}
	})
	cfg := f.config(sourceOf(topic))
	c = run(t, m, cfg)
	eventually(t, "the cut to be noticed", func() bool {
		all := c.assigned.all()
		return len(all) == 1 && all[0].next() == 20
	})
	c.Stop()
	f.numbered(topic, 0, 20, 30)
	run(t, m, f.config(sourceOf(topic))) // where the new life began is remembered
	m.waitCount(t, "p0", 30)
	m.wantNumbers(t, "p0", 0, 30)
}

// Aborted records become nothing, and neither do the marks of transactions.
func TestTransactions(t *testing.T) {
	f, m := newFixture(t), newMemory()
	topic := f.topic(1)
	client := f.newClient(kgo.TransactionalID("transactions-" + topic))
	n := 0
	transaction := func(commit bool) {
		t.Helper()
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			r := record(topic, 0, "p0", "-1")
			if commit {
				r = record(topic, 0, "p0", strconv.Itoa(n))
				n++
			}
			if err := client.ProduceSync(f.context(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := client.EndTransaction(f.context(), kgo.TransactionEndTry(commit)); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		transaction(true)
		transaction(false)
		f.numbered(topic, 0, n, n+3)
		n += 3
	}
	run(t, m, f.config(sourceOf(topic)))
	m.waitCount(t, "p0", n)
	transaction(false)
	transaction(true)
	m.waitCount(t, "p0", n)
	m.wantNumbers(t, "p0", 0, n)
	// The position passes the marks too: nothing is left behind the last record.
	m.waitPosition(t, topic, 0, int64(n+6*10+12))
}
