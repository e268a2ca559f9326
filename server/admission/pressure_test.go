package admission_test

import (
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pushgate/server/admission"
)

func (g *gate) pressure(limit int64, high int) *admission.Pressure {
	p := admission.NewPressure(g.Gate, admission.PressureOptions{
		Limit: limit, High: high, Logger: slog.New(slog.NewTextHandler(&g.log, nil)), Registry: g.registry,
	})
	p.Start(func(short bool) { g.changes = append(g.changes, short) })
	g.t.Cleanup(p.Stop)
	return p
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// The gate closes while memory is short and opens by itself, some way below.
func TestPressure(t *testing.T) {
	g := newGate(t, admission.Limits{})
	p := g.pressure(200<<20, 60)
	g.enter(somewhere).Leave()
	hoard := make([][]byte, 0, 150)
	for range cap(hoard) {
		hoard = append(hoard, make([]byte, 1<<20))
	}
	runtime.GC()
	eventually(t, "memory is short", func() bool { return p.Short() != "" })
	g.refuses(somewhere, admission.Memory)
	if g.metric("pushgate_memory_short", "") != 1 || g.metric("pushgate_memory_held_bytes", "") < 150<<20 {
		t.Error("the metrics do not show it")
	}
	if short := p.Short(); !strings.Contains(short, " MiB are held of 200 MiB; new connections are refused") {
		t.Errorf("it says %q", short)
	}
	// Between the marks nothing changes: 110 MiB are 55 %.
	hoard = append([][]byte(nil), hoard[:110]...)
	runtime.GC()
	held := g.metric("pushgate_memory_held_bytes", "")
	eventually(t, "less is held", func() bool {
		held = g.metric("pushgate_memory_held_bytes", "")
		return held < 120<<20
	})
	g.refuses(somewhere, admission.Memory)
	runtime.KeepAlive(hoard)
	// Now nothing of it is held, and nobody collects but the monitor.
	eventually(t, "memory is no longer short", func() bool { return p.Short() == "" })
	g.enter(somewhere)
	p.Stop()
	if !slices.Equal(g.changes, []bool{true, false}) {
		t.Errorf("told of %v", g.changes)
	}
	log := strings.Join(g.log.lines(), "\n")
	for _, want := range []string{`level=WARN msg="memory is short; new connections are refused"`, `level=INFO msg="memory is no longer short"`} {
		if strings.Count(log, want) != 1 {
			t.Errorf("the log does not say once %s:\n%s", want, log)
		}
	}
}

func TestPressureWithoutALimit(t *testing.T) {
	g := newGate(t, admission.Limits{})
	p := g.pressure(0, 1)
	g.enter(somewhere)
	p.Stop()
	p.Stop()
}
