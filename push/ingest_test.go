package push

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"pushgate/push/wire"
	"pushgate/store"
)

var orders = store.SourceKey{Source: "cluster", Topic: "orders", Partition: 3}

func next(t *testing.T, s interface {
	Positions(context.Context, []store.SourceKey) ([]store.Position, error)
}) int64 {
	t.Helper()
	positions, err := s.Positions(t.Context(), []store.SourceKey{orders})
	if err != nil {
		t.Fatal(err)
	}
	if len(positions) == 0 {
		return 0
	}
	return positions[0].Next
}

func TestIngestOfABadPublicationNamesItAndStoresNothing(t *testing.T) {
	s := openStore(t)
	e := startEngine(t, s)
	batch := []Publication{{Channel: "a", Data: []byte(`1`)}, {Channel: "a", Data: []byte(`{`)}, {Channel: ""}}
	_, err := e.Ingest(t.Context(), batch, store.Position{SourceKey: orders, Next: 3})
	bad, ok := errors.AsType[*IngestError](err)
	if !ok || bad.Index != 1 || AsError(err).Code != wire.CodeInvalidArgument {
		t.Fatalf("error = %v, want an IngestError for 1", err)
	}
	if next(t, s) != 0 {
		t.Error("the position moved")
	}
	if _, err := e.Channel(t.Context(), "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("channel: %v, want ErrNotFound", err)
	}
	published, err := e.Ingest(t.Context(), batch[:1], store.Position{SourceKey: orders, Next: 3})
	if err != nil || published[0].Seq != 1 || next(t, s) != 3 {
		t.Errorf("without it: %+v, %v", published, err)
	}
}

func TestIngestRefusesPositionsThatCannotBe(t *testing.T) {
	e := startEngine(t, openStore(t))
	for name, change := range map[string]func(*store.Position){
		"no source":                    func(p *store.Position) { p.Source = "" },
		"no topic":                     func(p *store.Position) { p.Topic = "" },
		"a long topic":                 func(p *store.Position) { p.Topic = strings.Repeat("t", MaxName+1) },
		"a partition below 0":          func(p *store.Position) { p.Partition = -1 },
		"a partition too far":          func(p *store.Position) { p.Partition = math.MaxInt32 + 1 },
		"an offset below 0":            func(p *store.Position) { p.First = -1 },
		"an end before its start":      func(p *store.Position) { p.First = p.Next + 1 },
		"a long incarnation":           func(p *store.Position) { p.Incarnation = strings.Repeat("i", MaxName+1) },
		"a negative life":              func(p *store.Position) { p.Life = -1 },
		"a life too many":              func(p *store.Position) { p.Life = math.MaxInt32 + 1 },
		"an incarnation with a byte 0": func(p *store.Position) { p.Incarnation = "a\x00" },
	} {
		p := store.Position{SourceKey: orders, First: 5, Next: 7}
		change(&p)
		_, err := e.Ingest(t.Context(), nil, p)
		refusal, ok := errors.AsType[*Error](err)
		if !ok || refusal.Code != wire.CodeInvalidArgument {
			t.Errorf("%s: %v, want an invalid argument", name, err)
		}
		if _, bad := errors.AsType[*IngestError](err); bad {
			t.Errorf("%s: a publication is blamed", name)
		}
	}
}

// ingestStore answers as if it were down, before or after it has stored.
type ingestStore struct {
	Store
	down bool
	late bool
}

func (s *ingestStore) Append(ctx context.Context, batch store.Batch) (results []store.Appended, err error) {
	if !s.down {
		results, err = s.Store.Append(ctx, batch)
	}
	if s.down || s.late {
		return nil, store.ErrUnavailable
	}
	return results, err
}

func TestIngestOfUnknownOutcomeIsSafeToRepeat(t *testing.T) {
	sound := openStore(t)
	s := &ingestStore{Store: sound, down: true}
	e := startEngine(t, s)
	batch := []Publication{{Channel: "a", Data: []byte(`1`)}, {Channel: "b", Data: []byte(`2`)}, {Channel: "a", Data: []byte(`3`), Ephemeral: true}}
	at := store.Position{SourceKey: orders, First: 10, Next: 13}
	ingest := func(want error) {
		t.Helper()
		if _, err := e.Ingest(t.Context(), batch, at); !errors.Is(err, want) {
			t.Fatalf("error = %v, want %v", err, want)
		}
	}
	ingest(store.ErrUnavailable)
	if e.Serving() || next(t, sound) != 0 {
		t.Errorf("serving %t, position %d, though the store is down", e.Serving(), next(t, sound))
	}
	s.down, s.late = false, true
	ingest(store.ErrUnavailable)
	s.late = false
	ingest(store.ErrReplayed)
	if !e.Serving() {
		t.Error("a replay counts as a store that is down")
	}
	for _, name := range []string{"a", "b"} {
		if c, err := e.Channel(t.Context(), name); err != nil || c.LastSeq != 1 {
			t.Errorf("%s is at %d, %v", name, c.LastSeq, err)
		}
	}
	at.First, at.Next = 13, 16
	ingest(nil)
	if got := e.Stats(); got.Failed != 0 || got.Stored != 2 || got.Ephemeral != 1 {
		t.Errorf("%+v, want 0 failed, 2 stored, 1 ephemeral", got)
	}
}

// deafStore loses its caller in the middle of an append.
type deafStore struct {
	Store
	leave context.CancelFunc
}

func (s *deafStore) Append(ctx context.Context, batch store.Batch) ([]store.Appended, error) {
	s.leave()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, ctx.Err())
	}
	return s.Store.Append(ctx, batch)
}

func TestIngestOutlivesItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	sound := openStore(t)
	e := startEngine(t, &deafStore{Store: sound, leave: cancel})
	if _, err := e.Ingest(ctx, []Publication{{Channel: "a", Data: []byte(`1`)}}, store.Position{SourceKey: orders, Next: 1}); err != nil {
		t.Fatalf("a caller that left in the middle: %v", err)
	}
	if _, err := e.Ingest(ctx, nil, store.Position{SourceKey: orders, First: 1, Next: 2}); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that left before: %v, want Canceled", err)
	}
	if next(t, sound) != 1 {
		t.Errorf("position %d, want 1", next(t, sound))
	}
}
