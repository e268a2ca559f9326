package push

import (
	"bytes"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pushgate/push/wire"
)

func TestSlowRequestsAreToldOfSparsely(t *testing.T) {
	var log bytes.Buffer
	registry := prometheus.NewRegistry()
	e := startEngine(t, openStore(t), func(c *Config) {
		c.Registry = registry
		c.SlowRequest, c.Logger = time.Nanosecond, slog.New(slog.NewTextHandler(&log, nil))
	})
	p := connect(t, e, Connection{Subscriber: "ada"})
	for range 10 {
		p.session.Handle(t.Context(), wire.Request{Type: wire.TypeSubscribe, ID: "1", Channel: "orders:1"}, 50)
	}
	p.session.Handle(t.Context(), wire.Request{Type: "nonsense"}, 50)
	counted := map[string]float64{}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "pushgate_slow_client_requests_total" {
			for _, m := range family.GetMetric() {
				counted[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	if want := map[string]float64{wire.TypeSubscribe: 10, otherRequest: 1}; !maps.Equal(counted, want) {
		t.Errorf("counted %v, want %v", counted, want)
	}
	lines := strings.Count(log.String(), "took long")
	if lines < 1 || lines > 10 || !strings.Contains(log.String(), "type=subscribe channel=orders:1") || !strings.Contains(log.String(), "subscriber=ada") {
		t.Errorf("%d lines: %s", lines, log.String())
	}
}

func TestSparse(t *testing.T) {
	var s Sparse
	now := time.Now()
	for i, c := range []struct {
		after   time.Duration
		ok      bool
		skipped int64
	}{{0, true, 0}, {0, false, 0}, {900 * time.Millisecond, false, 0}, {time.Second, true, 2}, {1900 * time.Millisecond, false, 0}, {5 * time.Second, true, 1}} {
		if ok, skipped := s.Allow(now.Add(c.after)); ok != c.ok || skipped != c.skipped {
			t.Errorf("%d: %v, %d", i, ok, skipped)
		}
	}
}
