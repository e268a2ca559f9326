package push

import (
	"path/filepath"
	"testing"
	"time"

	"pushgate/store/sqlite"
)

func openStore(t testing.TB) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "pushgate.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// startEngine starts an engine that neither sweeps nor trims by itself, unless
// the settings say so.
func startEngine(t testing.TB, s Store, settings ...func(*Config)) *Engine {
	t.Helper()
	cfg := DefaultConfig()
	cfg.SweepInterval, cfg.RetentionInterval = 1000*time.Hour, 1000*time.Hour
	for _, set := range settings {
		set(&cfg)
	}
	e, err := New(s, cfg)
	if err != nil {
		t.Fatal(err)
	}
	e.Start()
	t.Cleanup(e.Stop)
	return e
}

// peer is a connection's transport, run by hand.
type peer struct {
	t       testing.TB
	session *Session
	woken   chan struct{}
}

func connect(t testing.TB, e *Engine, c Connection) *peer {
	t.Helper()
	p := &peer{t: t, woken: make(chan struct{}, 1)}
	c.Wake = func() {
		select {
		case p.woken <- struct{}{}:
		default:
		}
	}
	s, err := e.Connect(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	p.session = s
	t.Cleanup(func() { s.Detach(CauseLost) })
	return p
}
