package ws_test

import (
	"sync"
	"testing"

	"pushgate/push"
	"pushgate/store/postgres"
	"pushgate/store/postgres/pgtest"
)

// TestHistoryOfTwoNodes is TestHistory on two nodes that know of each other
// nothing but their database: the sweep alone tells one what the other stored.
func TestHistoryOfTwoNodes(t *testing.T) {
	url := pgtest.New(t)
	runHistory(t, 2, func() (push.Store, func()) { return openPostgres(t, url) })
}

func openPostgres(t *testing.T, url string) (push.Store, func()) {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, stop
}

// A subscriber moves between the nodes, and takes its cursor along.
func TestSubscriberMovesBetweenNodes(t *testing.T) {
	url := pgtest.New(t)
	var nodes [2]*node
	for i := range nodes {
		s, _ := openPostgres(t, url)
		nodes[i] = startOn(t, s)
	}
	c := nodes[0].dial("subscriber=ada&channel=a")
	c.expect("connected", nil)
	c.expect("subscribed", nil)
	at := 0
	for seq := uint64(1); seq <= 20; seq += 2 {
		nodes[at].publish("a", `1`)
		nodes[1-at].publish("a", `2`)
		c.messages("a", seq, seq+1)
		watch := nodes[at].engine.WatchDeliveries("a", "ada")
		c.ack("a", seq)
		if d := <-watch.C; d.Seq != seq {
			t.Fatalf("the store knows %+v, want %d", d, seq)
		}
		watch.Close()
		_ = c.socket.CloseNow()
		at = 1 - at
		c = nodes[at].dial("subscriber=ada")
		c.expect("connected", nil)
		c.messages("a", seq+1, seq+1)
	}
}
