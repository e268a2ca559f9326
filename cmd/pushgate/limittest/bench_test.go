package limittest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkIdleConnection: the resident memory of one idle connection with a
// durable subscription, as admission.CapacityOf reckons with it.
//
//	go test -run '^$' -bench IdleConnection -benchtime 1x ./cmd/pushgate/limittest
func BenchmarkIdleConnection(b *testing.B) {
	const connections = 8000
	for b.Loop() {
		n := start(b, with("--heartbeat-interval=1h", "--limits-connections=100000"))
		before := n.anonymous()
		for i := range connections {
			s := n.dial(fmt.Sprintf("channel=news&subscriber=s%d", i))
			for range 2 { // connected, subscribed
				if _, err := s.next(); err != nil {
					b.Fatal(err)
				}
			}
		}
		time.Sleep(time.Second) // what the last ones needed only to connect goes
		b.ReportMetric(float64(n.anonymous()-before)/connections/1024, "KiB/connection")
		b.ReportMetric(0, "ns/op")
		n.Kill()
	}
}

// anonymous is the node's resident memory that is no file's, in bytes.
func (n *node) anonymous() int {
	n.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.PID()))
	if err != nil {
		n.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); fields[0] == "RssAnon:" {
			kilobytes, err := strconv.Atoi(fields[1])
			if err != nil {
				n.t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	n.t.Fatal("the status of the process has no RssAnon")
	return 0
}
