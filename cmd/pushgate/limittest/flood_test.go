package limittest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// However many knock at a full node, whoever is in gets every message, in order,
// and stays in.
func TestFloodAtTheLimit(t *testing.T) {
	t.Parallel()
	const connected, upgrades, messages = 40, 50_000, 200 // less than a window: nobody acks
	n := start(t, with(fmt.Sprintf("--limits-connections=%d", connected), "--heartbeat-interval=1h"))
	var receiving, flooding sync.WaitGroup
	for i := range connected {
		s := n.dial(fmt.Sprintf("channel=news&subscriber=s%d", i%20))
		receiving.Go(func() {
			if err := s.messages(1, messages); err != nil {
				t.Error(err)
			}
		})
	}
	var left atomic.Int64
	left.Store(upgrades)
	for range 16 {
		flooding.Go(func() {
			for left.Add(-1) >= 0 {
				s, err := dial(n.HTTP, "channel=news", "")
				var r *refusal
				if !errors.As(err, &r) || !r.busy() {
					t.Errorf("it is answered %v", err)
					if s != nil {
						_ = s.Close()
					}
					return
				}
			}
		})
	}
	for range messages {
		n.send("news", `1`)
	}
	flooding.Wait()
	receiving.Wait()
	if n.metric("pushgate_connects_total") != connected {
		t.Errorf("%d connected", n.metric("pushgate_connects_total"))
	}
	if n.refused("connections") != upgrades {
		t.Errorf("%d are counted", n.refused("connections"))
	}
}

// Clients that come at once and do as they are told all get in.
func TestAcceptRate(t *testing.T) {
	t.Parallel()
	const rate, clients = 200, 600
	n := start(t, with(fmt.Sprintf("--limits-accept-rate=%d", rate)))
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			for {
				s, err := dial(n.HTTP, fmt.Sprintf("channel=news&subscriber=s%d", i), "")
				if err == nil {
					t.Cleanup(func() { _ = s.Close() })
					return
				}
				var r *refusal
				if !errors.As(err, &r) || !r.busy() {
					t.Error(err)
					return
				}
				time.Sleep(r.retryAfter)
			}
		})
	}
	all.Wait()
	if n.metric("pushgate_connections") != clients {
		t.Errorf("%d are in", n.metric("pushgate_connections"))
	}
	if n.refused("rate") == 0 {
		t.Error("nobody was sent away")
	}
}
