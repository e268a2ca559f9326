package limittest

import (
	"fmt"
	"strings"
	"testing"

	"pushgate/cmd/pushgate/pushgatetest"
)

// When memory is short the node takes nobody new, serves whoever is there, and
// opens by itself.
func TestMemoryPressure(t *testing.T) {
	t.Parallel()
	n := start(t, pushgatetest.Command{Args: []string{"--limits-connections=100000", "--heartbeat-interval=1h"}, Env: []string{"GOMEMLIMIT=48MiB"}})
	n.WaitStderr("limits.connections is more than the machine is reckoned to hold")
	first := n.dial("channel=news")
	var open []*socket
	for refused := (*refusal)(nil); refused == nil; {
		channels := make([]string, 100) // each of them costs
		for i := range channels {
			channels[i] = fmt.Sprintf("channel=%d-%d", len(open), i)
		}
		var s *socket
		if s, refused = n.try(strings.Join(channels, "&")); s != nil {
			open = append(open, s)
		} else if refused.Code != "unavailable" || refused.Message != "server busy: memory is short" {
			t.Fatal(refused)
		}
	}
	t.Logf("%d connections of 100 subscriptions", len(open))
	if ready, reasons := n.ready(); ready || len(reasons) != 1 || !strings.HasPrefix(reasons[0], "memory: ") {
		t.Errorf("/readyz says %v: %q", ready, reasons)
	}
	n.WaitStderr(`level=WARN msg="memory is short; new connections are refused"`)
	n.WaitStderr(`msg="a connection was refused" limit=memory address=127.0.0.1`)
	if n.refused("memory") == 0 || n.metric("pushgate_memory_short") != 1 {
		t.Error("the metrics do not show it")
	}
	n.send("news", `1`)
	if err := first.messages(1, 1); err != nil {
		t.Error(err)
	}
	for _, s := range open {
		_ = s.Close()
	}
	n.eventually("somebody gets in again", func() bool {
		s, _ := n.try("")
		return s != nil
	})
	if ready, reasons := n.ready(); !ready {
		t.Errorf("it is not ready: %q", reasons)
	}
	n.WaitStderr(`level=INFO msg="memory is no longer short"`)
}
