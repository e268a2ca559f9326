package ws_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"pushgate/push"
	"pushgate/store"
)

// ingest takes records as the consumer of a partition does.
func (n *node) ingest(partition int, first int64, batch ...push.Publication) ([]push.Published, error) {
	return n.engine.Ingest(n.t.Context(), batch, store.Position{
		SourceKey: store.SourceKey{Source: "cluster", Topic: "orders", Partition: partition},
		First:     first, Next: first + int64(len(batch)), Incarnation: "one",
	})
}

func fromRecord(channel, data string) push.Publication {
	return push.Publication{Channel: channel, Data: []byte(data)}
}

func withoutSweep(s *setup) { s.SweepInterval = time.Hour }

func TestIngestIsDeliveredInItsOrder(t *testing.T) {
	n := start(t, withoutSweep, func(s *setup) {
		s.Namespaces.ByName = map[string]push.Namespace{"live": {Window: 1}}
	})
	c := n.dial("channel=a&channel=live:x")
	c.expect("connected", nil)
	c.expect("subscribed", nil)
	c.expect("subscribed", nil)
	passing := fromRecord("a", `2`)
	passing.Ephemeral = true
	published, err := n.ingest(0, 0, fromRecord("a", `1`), passing, fromRecord("live:x", `3`), fromRecord("none", `0`), fromRecord("a", `4`))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []uint64{1, 0, 0, 1, 2} {
		if published[i].Seq != want || published[i].MessageID == "" || published[i].Time.IsZero() {
			t.Errorf("publication %d: %+v, want seq %d", i, published[i], want)
		}
	}
	c.expect("message", frame{"channel": "a", "seq": 1, "data": 1, "messageId": published[0].MessageID})
	c.expect("message", frame{"channel": "a", "data": 2})
	c.expect("message", frame{"channel": "live:x", "data": 3})
	c.expect("message", frame{"channel": "a", "seq": 2, "data": 4})
}

func TestReplayedRecordsAreDeliveredOnce(t *testing.T) {
	n := start(t, withoutSweep)
	c := n.dial("channel=a")
	c.expect("connected", nil)
	c.expect("subscribed", nil)
	passing := fromRecord("a", `0`)
	passing.Ephemeral = true
	batch := []push.Publication{fromRecord("a", `1`), passing, fromRecord("a", `2`)}
	if _, err := n.ingest(0, 0, batch...); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := n.ingest(0, 0, batch...); !errors.Is(err, store.ErrReplayed) {
			t.Fatalf("error = %v, want ErrReplayed", err)
		}
	}
	if _, err := n.ingest(0, 3, fromRecord("a", `3`)); err != nil {
		t.Fatal(err)
	}
	for _, data := range []int{1, 0, 2, 3} {
		c.expect("message", frame{"channel": "a", "data": data})
	}
}

// A batch that was stored without anybody's knowing it reaches live sessions too.
func TestRecordsOfUnknownOutcomeAreDelivered(t *testing.T) {
	s, _ := openSQLite(t, t.TempDir()+"/pushgate.db")
	gate := newGatedLog(s)
	n := startOn(t, gate, func(s *setup) { s.StoreTimeout = time.Minute })
	c := n.dial("channel=a")
	c.expect("connected", nil)
	c.expect("subscribed", nil)
	gate.closed.Store(true)
	outcome := make(chan error, 1)
	go func() {
		_, err := n.ingest(0, 0, fromRecord("a", `1`), fromRecord("a", `2`))
		outcome <- err
	}()
	<-gate.committed
	gate.closed.Store(false)
	// Its answer is still on its way, and the sweep does not wait for it.
	c.messages("a", 1, 2)
	if _, err := n.ingest(0, 0, fromRecord("a", `1`), fromRecord("a", `2`)); !errors.Is(err, store.ErrReplayed) {
		t.Errorf("again: %v, want ErrReplayed", err)
	}
	gate.open <- struct{}{}
	if err := <-outcome; err != nil {
		t.Error(err)
	}
	n.publish("a", `3`)
	c.messages("a", 3, 3)
}

// Partitions and publishers that write to one channel at once commit in one
// order and may dispatch in another: sessions see that of the commits.
func TestIngestBesidePublishersKeepsOrder(t *testing.T) {
	const partitions, batches, size, publishes = 3, 40, 5, 200
	n := start(t)
	readers := []*client{n.dial("subscriber=ada&channel=a"), n.dial("channel=a"), n.dial("channel=a")}
	for _, c := range readers {
		c.expect("connected", nil)
		c.expect("subscribed", nil)
	}
	var group sync.WaitGroup
	for p := range partitions {
		group.Go(func() {
			for b := range batches {
				var batch []push.Publication
				for i := range size {
					batch = append(batch, fromRecord("a", fmt.Sprintf(`{"partition":%d,"number":%d}`, p, b*size+i)))
				}
				if _, err := n.ingest(p, int64(b*size), batch...); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Go(func() {
		for i := range publishes {
			data := fmt.Appendf(nil, `{"partition":%d,"number":%d}`, partitions, i)
			if _, err := n.engine.Publish(t.Context(), push.Publication{Channel: "a", Data: data}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for _, c := range readers {
		group.Go(func() {
			numbers := map[float64]float64{}
			for seq := range uint64(partitions*batches*size + publishes) {
				m := c.expect("message", frame{"channel": "a", "seq": seq + 1})
				data := m["data"].(map[string]any)
				from, number := data["partition"].(float64), data["number"].(float64)
				if number != numbers[from] {
					t.Errorf("number %v of %v, want %v", number, from, numbers[from])
				}
				numbers[from]++
				if c == readers[0] && seq%50 == 49 {
					c.send(frame{"type": "ack", "channel": "a", "seq": seq + 1})
				}
			}
		})
	}
	group.Wait()
}
