package admission_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"pushgate/server/admission"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logged is what was logged.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSuffix(l.text.String(), "\n"), "\n")
}

// gate is a gate with its surroundings.
type gate struct {
	changes []bool // that a Pressure told of
	*admission.Gate
	t        *testing.T
	log      logged
	registry *prometheus.Registry
}

func newGate(t *testing.T, limits admission.Limits) *gate {
	g := &gate{t: t, registry: prometheus.NewRegistry()}
	g.Gate = admission.NewGate(limits, slog.New(slog.NewTextHandler(&g.log, nil)), g.registry)
	return g
}

var somewhere = netip.MustParseAddr("192.0.2.1")

func (g *gate) enter(from netip.Addr) *admission.Place {
	g.t.Helper()
	place, reason := g.Enter(from)
	if reason != admission.None {
		g.t.Fatalf("%s is refused: %s", from, reason)
	}
	return place
}

func (g *gate) refuses(from netip.Addr, want admission.Reason) {
	g.t.Helper()
	if _, reason := g.Enter(from); reason != want {
		g.t.Fatalf("%s is answered %q, want %q", from, reason, want)
	}
}

// refused are the refusals of a reason.
func (g *gate) refused(reason admission.Reason) int {
	g.t.Helper()
	return int(g.metric("pushgate_refused_connections_total", string(reason)))
}

// metric is the value of a metric, with the value of its label if it has one.
func (g *gate) metric(name, label string) float64 {
	g.t.Helper()
	families, err := g.registry.Gather()
	if err != nil {
		g.t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && (label == "" || m.GetLabel()[0].GetValue() == label) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	g.t.Fatalf("there is no %s of %q", name, label)
	return 0
}

func TestTotal(t *testing.T) {
	g := newGate(t, admission.Limits{Connections: 2})
	first := g.enter(somewhere)
	g.enter(netip.Addr{})
	g.refuses(somewhere, admission.Connections)
	first.Leave()
	first.Leave()
	g.enter(somewhere)
	g.refuses(somewhere, admission.Connections)
	if g.Open() != 2 || g.refused(admission.Connections) != 2 {
		t.Errorf("%d are in, %d were refused", g.Open(), g.refused(admission.Connections))
	}
}

func TestPerAddress(t *testing.T) {
	g := newGate(t, admission.Limits{PerAddress: 1})
	for _, test := range []struct{ first, same, other string }{
		{"192.0.2.1", "192.0.2.1", "192.0.2.2"},
		{"2001:db8:0:1::1", "2001:db8:0:1:ffff::", "2001:db8:0:2::1"},
	} {
		place := g.enter(netip.MustParseAddr(test.first))
		g.refuses(netip.MustParseAddr(test.same), admission.Address)
		g.enter(netip.MustParseAddr(test.other))
		place.Leave()
		g.enter(netip.MustParseAddr(test.same))
	}
	g.enter(netip.Addr{})
	g.enter(netip.Addr{})
}

func TestPerSubscriber(t *testing.T) {
	g := newGate(t, admission.Limits{PerSubscriber: 2})
	identify := func(subscriber string, want admission.Reason) *admission.Place {
		t.Helper()
		place := g.enter(somewhere)
		if reason := place.Identify(subscriber); reason != want {
			t.Fatalf("%s is answered %q, want %q", subscriber, reason, want)
		}
		return place
	}
	ada := identify("ada", admission.None)
	identify("ada", admission.None)
	identify("ada", admission.Subscriber).Leave()
	identify("grace", admission.None)
	for range 3 {
		identify("", admission.None)
	}
	ada.Leave()
	identify("ada", admission.None)
	if g.Open() != 6 || g.refused(admission.Subscriber) != 1 {
		t.Errorf("%d are in, %d were refused", g.Open(), g.refused(admission.Subscriber))
	}
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, admission.Limits{Rate: 100, Connections: 1000})
		for range 100 {
			g.enter(somewhere)
		}
		g.refuses(somewhere, admission.Rate)
		time.Sleep(50 * time.Millisecond)
		for range 5 {
			g.enter(somewhere)
		}
		g.refuses(somewhere, admission.Rate)
		time.Sleep(time.Hour)
		for range 100 {
			g.enter(somewhere)
		}
		g.refuses(somewhere, admission.Rate)
	})
}

// Who is refused for another reason takes nothing of the rate.
func TestRefusalsDoNotCountAsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, admission.Limits{Rate: 2, Connections: 1})
		place := g.enter(somewhere)
		for range 10 {
			g.refuses(somewhere, admission.Connections)
		}
		place.Leave()
		g.enter(somewhere)
	})
}

func TestOtherLimits(t *testing.T) {
	g := newGate(t, admission.Limits{Connections: 3, Rate: 1})
	g.enter(somewhere)
	g.refuses(somewhere, admission.Rate)
	g.SetLimits(admission.Limits{Connections: 3})
	g.enter(somewhere)
	place := g.enter(somewhere)
	g.SetLimits(admission.Limits{Connections: 2})
	g.refuses(somewhere, admission.Connections)
	place.Leave()
	g.refuses(somewhere, admission.Connections)
	g.SetLimits(admission.Limits{PerAddress: 2})
	g.refuses(somewhere, admission.Address)
	g.SetLimits(admission.Limits{})
	g.enter(somewhere)
	if g.metric("pushgate_connections_limit", "") != 0 {
		t.Error("the metric shows another limit")
	}
}

func TestLogOfRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, admission.Limits{Connections: 1})
		g.enter(somewhere)
		for range 500 {
			g.refuses(somewhere, admission.Connections)
		}
		if got := g.log.lines(); len(got) != 1 || !strings.Contains(got[0], "limit=connections address=192.0.2.1 refused_since_last_line=1") {
			t.Fatalf("logged %q", got)
		}
		time.Sleep(time.Second)
		g.refuses(somewhere, admission.Connections)
		if got := g.log.lines(); len(got) != 2 || !strings.Contains(got[1], "refused_since_last_line=500") {
			t.Fatalf("logged %q", got)
		}
		if g.refused(admission.Connections) != 501 {
			t.Errorf("counted %d", g.refused(admission.Connections))
		}
	})
}

func TestNoGate(t *testing.T) {
	var g *admission.Gate
	place, reason := g.Enter(somewhere)
	if reason != admission.None || place.Identify("ada") != admission.None {
		t.Error("nobody is there who could refuse")
	}
	place.Leave()
}

// However many come and go at once, the counts are right.
func TestGateConcurrently(t *testing.T) {
	const limit = 10
	g := newGate(t, admission.Limits{Connections: limit, PerAddress: limit / 2, PerSubscriber: 3})
	var all sync.WaitGroup
	for i := range 8 {
		from := netip.AddrFrom4([4]byte{10, 0, 0, byte(i % 3)})
		all.Go(func() {
			for k := range 2000 {
				place, reason := g.Enter(from)
				if reason != admission.None {
					continue
				}
				if open := g.Open(); open > limit {
					t.Errorf("%d are in", open)
				}
				place.Identify(fmt.Sprint(k % 4))
				place.Leave()
			}
		})
	}
	all.Wait()
	if g.Open() != 0 {
		t.Errorf("%d are still in", g.Open())
	}
	for range limit / 2 {
		if reason := g.enter(somewhere).Identify(somewhere.String()); reason == admission.Subscriber {
			return
		}
	}
	t.Error("the counts of the limits are wrong")
}
