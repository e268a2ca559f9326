package postgres

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"pushgate/store"
	"pushgate/store/postgres/pgtest"
)

// outcomes tells whoever waits how the appends of a load go.
type outcomes struct {
	stored chan struct{} // one token per success since the last look, at most
	failed chan struct{} // likewise for failures
}

func newOutcomes() outcomes {
	return outcomes{stored: make(chan struct{}, 1), failed: make(chan struct{}, 1)}
}

// note says false when err is neither nil nor ErrUnavailable.
func (o outcomes) note(err error) bool {
	signal := o.stored
	if err != nil {
		signal = o.failed
	}
	select {
	case signal <- struct{}{}:
	default:
	}
	return err == nil || errors.Is(err, store.ErrUnavailable)
}

// await waits until an append that began after the call has ended so.
func await(t *testing.T, signal <-chan struct{}) {
	// The first token may be from before what is waited for.
	for range 2 {
		select {
		case <-signal:
		case <-t.Context().Done():
		}
	}
}

// endTwice stops the server and starts it again, then kills it and starts it
// again, each time when all loads have met it and no sooner than they have
// noticed.
func endTwice(t *testing.T, server *pgtest.Server, loads []outcomes) {
	all := func(signal func(outcomes) chan struct{}) {
		for _, load := range loads {
			await(t, signal(load))
		}
	}
	stored, failed := func(o outcomes) chan struct{} { return o.stored }, func(o outcomes) chan struct{} { return o.failed }
	for _, end := range []func(){server.Stop, server.Kill} {
		all(stored)
		end()
		all(failed)
		server.Start(t)
		all(stored)
	}
}

// loader appends until it is told to stop, whatever happens to the server.
type loader struct {
	outcomes
	store   *Store
	channel string
	done    chan struct{}

	mu      sync.Mutex
	answers map[uint64]string // seq to id of what was answered as stored
}

func (l *loader) run(t *testing.T) {
	for i := 0; ; i++ {
		select {
		case <-l.done:
			return
		default:
		}
		m := store.Message{Channel: l.channel, Time: time.UnixMilli(0)}
		if i%2 == 0 {
			m.ID = fmt.Sprint("id-", i)
		}
		results, err := l.store.Append(t.Context(), store.Batch{Messages: []store.Message{m}})
		if err == nil {
			l.mu.Lock()
			l.answers[results[0].Seq] = results[0].ID
			l.mu.Unlock()
		}
		if !l.note(err) {
			t.Errorf("append: %v, want ErrUnavailable", err)
			return
		}
	}
}

func TestServerStoppedAndStartedUnderLoad(t *testing.T) {
	t.Parallel()
	server := pgtest.StartServer(t, pgtest.Options{Durable: true})
	url := server.New(t, "load")
	openMigrated(t, url)
	done := make(chan struct{})
	var group sync.WaitGroup
	var loaders []*loader
	var loads []outcomes
	for i := range 4 {
		l := &loader{outcomes: newOutcomes(), store: open(t, url), channel: fmt.Sprint("channel-", i), done: done, answers: map[uint64]string{}}
		loaders, loads = append(loaders, l), append(loads, l.outcomes)
		group.Go(func() { l.run(t) })
	}
	endTwice(t, server, loads)
	close(done)
	group.Wait()
	for _, l := range loaders {
		pages, err := l.store.Pages(t.Context(), time.UnixMilli(0), []store.PageRequest{{Channel: l.channel, Limit: math.MaxInt32, Bytes: math.MaxInt32}})
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range pages[0].Messages {
			if m.Seq != uint64(i+1) {
				t.Fatalf("%s: seq %d at place %d", l.channel, m.Seq, i+1)
			}
			if id, answered := l.answers[m.Seq]; answered && id != m.ID {
				t.Errorf("%s: seq %d is %s, but %s was answered", l.channel, m.Seq, m.ID, id)
			}
			delete(l.answers, m.Seq)
		}
		if len(l.answers) > 0 {
			t.Errorf("%s: %d messages were answered as stored and are lost", l.channel, len(l.answers))
		}
	}
}

func TestIdleConnectionsAreReplacedAfterARestart(t *testing.T) {
	t.Parallel()
	server := pgtest.StartServer(t, pgtest.Options{})
	s := openMigrated(t, server.New(t, "idle"))
	if _, err := s.Tails(t.Context(), []string{"a"}); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("Ping of a stopped server = %v, want ErrUnavailable", err)
	}
	server.Start(t)
	if _, err := s.Tails(t.Context(), []string{"a"}); err != nil {
		t.Fatalf("after the restart: %v", err)
	}
}
