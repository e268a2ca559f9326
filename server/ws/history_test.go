package ws_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"pushgate/push"
)

var (
	historyLength = flag.Duration("history", 2*time.Second, "how long each random history runs")
	historySeed   = flag.Uint64("history.seed", 0, "the seed of the random histories; 0 picks one")
)

// TestHistory lets publishers, subscribers and faults loose on a node and holds
// what the clients saw against the promises of the protocol. Every other
// connection is compressed.
func TestHistory(t *testing.T) {
	path := t.TempDir() + "/pushgate.db"
	runHistory(t, 1, func() (push.Store, func()) { return openSQLite(t, path) })
}

// The channels of a history, and how many messages each retains; 0 is all.
var histories = map[string]uint64{"plain": 0, "few:1": 40, "mixed": 0}

// world is where a history takes place: nodes on one store that come and go.
type world struct {
	t      *testing.T
	seed   uint64
	open   func() (push.Store, func())
	slots  []*slot
	record *record
	chaos  context.Context // ends with the random part
}

// slot is the place of one node. While it is down, whoever wants it waits.
type slot struct {
	mu    sync.RWMutex
	node  *node
	store *faultyStore
	close func()
}

func runHistory(t *testing.T, nodes int, open func() (push.Store, func())) {
	seed := *historySeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("to repeat: -history.seed=%d -history=%s", seed, *historyLength)
	w := &world{t: t, seed: seed, open: open, record: newRecord(t)}
	for i := range nodes {
		s := &slot{}
		w.start(s, uint64(i))
		w.slots = append(w.slots, s)
	}
	for _, subscriber := range []string{"ada", "eve", "kim"} {
		for channel := range histories {
			w.slots[0].node.away(subscriber, channel)
		}
	}
	var cancel context.CancelFunc
	w.chaos, cancel = context.WithTimeout(t.Context(), *historyLength)
	defer cancel()
	var actors sync.WaitGroup
	act := func(number uint64, play func(*rand.Rand)) {
		actors.Go(func() { play(rand.New(rand.NewPCG(seed, number))) })
	}
	for i := range uint64(8) {
		act(10+i, func(r *rand.Rand) { w.publishSome(r, i) })
	}
	for i, subscriber := range []string{"ada", "ada", "eve", "eve", "kim"} {
		act(20+uint64(i), func(r *rand.Rand) { w.subscribeNow(r, subscriber) })
	}
	for i := range uint64(2) {
		act(30+i, w.resumeNow)
	}
	act(40, w.purgeNow)
	act(41, w.restartNow)
	actors.Wait()
	w.settle()
}

// start brings a node up in its slot.
func (w *world) start(s *slot, number uint64) {
	inner, closeStore := w.open()
	s.store = newFaultyStore(inner, rand.New(rand.NewPCG(w.seed, 100+number)))
	s.close = closeStore
	s.node = startOn(w.t, s.store, func(c *setup) {
		c.OutboxBytes, c.RingMessages = 4<<10, 8
		c.SweepInterval, c.RetentionInterval = 20*time.Millisecond, 10*time.Millisecond
		compression(c)
		c.options.Compression.Threshold = 250
		few := push.DefaultNamespace()
		few.Retention.Messages = histories["few:1"]
		c.Namespaces.ByName = map[string]push.Namespace{"few": few}
	})
}

// restartNow stops nodes, some as if they were killed, and starts them again.
func (w *world) restartNow(r *rand.Rand) {
	for number := uint64(0); pause(w.chaos, 100*time.Millisecond+rand.N(200*time.Millisecond)); number++ {
		s := w.slots[r.IntN(len(w.slots))]
		s.mu.Lock()
		if r.IntN(2) == 0 {
			s.store.dead.Store(true)
		}
		s.node.stop()
		s.close()
		w.start(s, number)
		s.mu.Unlock()
	}
}

// purgeNow removes the heads of channels.
func (w *world) purgeNow(r *rand.Rand) {
	for pause(w.chaos, 50*time.Millisecond) {
		n := w.node(r)
		c, err := n.engine.Channel(w.chaos, "mixed")
		if err != nil || c.LastSeq == 0 {
			continue
		}
		upTo := 1 + r.Uint64N(c.LastSeq)
		w.record.purging("mixed", upTo)
		_, _ = n.engine.PurgeChannel(w.chaos, "mixed", upTo)
	}
}

// node answers one that is up.
func (w *world) node(r *rand.Rand) *node {
	s := w.slots[r.IntN(len(w.slots))]
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.node
}

// pause spreads what happens over the history; false when that is over.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
