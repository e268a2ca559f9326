package consumer

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pushgate/push"
	"pushgate/store"
	"pushgate/store/sqlite"
)

// engine is a Publisher of the real engine on SQLite, as cmd wires it.
type engine struct {
	*push.Engine
	db     *sqlite.Store
	stored atomic.Int64 // messages
	news   chan struct{}
	// deaf loses the answers to some calls.
	deaf func() bool
}

func newEngine(t testing.TB, db *sqlite.Store) *engine {
	t.Helper()
	e, err := push.New(db, push.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	e.Start()
	t.Cleanup(e.Stop)
	return &engine{Engine: e, db: db, news: make(chan struct{}, 1)}
}

func newSQLite(t testing.TB) *sqlite.Store {
	t.Helper()
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "test.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

func (e *engine) Ingest(ctx context.Context, messages []Message, position store.Position) error {
	publications := make([]push.Publication, len(messages))
	for i, m := range messages {
		publications[i] = push.Publication{Channel: m.Channel, Data: m.Data, ContentType: m.ContentType, Headers: m.Headers,
			MessageID: m.MessageID, TTL: m.TTL, Ephemeral: m.Ephemeral}
	}
	_, err := e.Engine.Ingest(ctx, publications, position)
	if refused := new(push.IngestError); errors.As(err, &refused) {
		return &RefusedError{Index: refused.Index, Reason: refused.Err.Error()}
	}
	if err != nil {
		return err
	}
	e.stored.Add(int64(len(messages)))
	select {
	case e.news <- struct{}{}:
	default:
	}
	if e.deaf != nil && e.deaf() {
		return store.ErrUnavailable
	}
	return nil
}

func (e *engine) Positions(ctx context.Context, keys []store.SourceKey) ([]store.Position, error) {
	return e.db.Positions(ctx, keys)
}

// wait waits until so many messages are stored.
func (e *engine) wait(t testing.TB, n int64) {
	t.Helper()
	for deadline := time.After(patience); e.stored.Load() < n; {
		select {
		case <-e.news:
		case <-deadline:
			t.Fatalf("%d of %d messages are stored", e.stored.Load(), n)
		}
	}
}

// Members with engines of their own on one database come and go, and lose answers
// of the store: it holds every record once and in order.
func TestOnceInTheStore(t *testing.T) {
	const partitions, each = 4, 2000
	f, db := newFixture(t), newSQLite(t)
	topic := f.topic(partitions)
	var producing sync.WaitGroup
	defer producing.Wait()
	produce := func(from, to int) {
		producing.Wait()
		producing.Go(func() {
			for n := from; n < to; n += 50 {
				for p := range partitions {
					f.numbered(topic, p, n, n+50)
				}
			}
		})
	}
	var calls, total atomic.Int64
	member := func() (*engine, *Consumer) {
		e := newEngine(t, db)
		e.deaf = func() bool { return calls.Add(1)%5 == 0 }
		c := run(t, e, f.config(sourceOf(topic)))
		eventually(t, "the member to get partitions", func() bool { return len(c.assigned.all()) > 0 })
		return e, c
	}
	leave := func(e *engine, c *Consumer) {
		c.Stop()
		total.Add(e.stored.Load())
	}
	produce(0, 700)
	e1, c1 := member()
	e1.wait(t, 500)
	e2, c2 := member()
	produce(700, 1400)
	e2.wait(t, 500)
	leave(e1, c1)
	e3, c3 := member()
	produce(1400, each)
	e3.wait(t, 100)
	leave(e2, c2)
	e3.wait(t, partitions*each-total.Load())
	leave(e3, c3)
	for p := range partitions {
		channel := fmt.Sprintf("p%d", p)
		next, after := 0, uint64(0)
		for {
			pages, err := db.Pages(t.Context(), time.Now(), []store.PageRequest{{Channel: channel, After: after, Limit: 1000, Bytes: 1 << 20}})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range pages[0].Messages {
				if string(m.Data) != fmt.Sprint(next) {
					t.Fatalf("%s: seq %d holds %s, not %d", channel, m.Seq, m.Data, next)
				}
				next++
				after = m.Seq
			}
			if !pages[0].More {
				break
			}
		}
		if next != each {
			t.Errorf("%s: %d messages, not %d", channel, next, each)
		}
	}
}
