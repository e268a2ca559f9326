package limittest

import (
	"regexp"
	"strconv"
	"testing"

	"pushgate/cmd/pushgate/pushgatetest"
)

// The soft limit is raised to the hard one, the node takes no more than that
// holds, and whatever else it does goes on while it is full.
func TestOpenFiles(t *testing.T) {
	t.Parallel()
	n := start(t, pushgatetest.Command{Args: []string{"--heartbeat-interval=1h"}, Through: []string{"sh", "-c", `ulimit -Sn 300 && ulimit -Hn 700 && exec "$0" "$@"`}})
	n.WaitStderr("msg=started")
	found := regexp.MustCompile(`connections=(\d+) .*because="open files: (\d+) of (?:699|700)"`).FindStringSubmatch(n.Stderr())
	if found == nil || found[1] != found[2] {
		t.Fatalf("the log does not say how many connections there may be and why:\n%s", n.Stderr())
	}
	limit, _ := strconv.Atoi(found[1])
	if limit < 300 || limit > 400 {
		t.Errorf("%d connections", limit)
	}
	var open []*socket
	for {
		s, refused := n.try("channel=news")
		if refused != nil {
			break
		}
		open = append(open, s)
	}
	if len(open) != limit {
		t.Errorf("%d are open, %d may be", len(open), limit)
	}
	// Silent sockets take nothing that it needs.
	for range 200 {
		n.knock("GET /ws HTTP/1.1\r\n")
	}
	n.send("news", `1`)
	for _, s := range open {
		if err := s.messages(1, 1); err != nil {
			t.Fatal(err)
		}
	}
	if n.refused("connections") == 0 || n.refused("handshake") == 0 {
		t.Error("the metrics do not show it")
	}
	_ = open[0].Close()
	n.eventually("somebody gets in again", func() bool {
		s, _ := n.try("")
		return s != nil
	})
}
