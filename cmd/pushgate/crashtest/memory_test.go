package crashtest

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"pushgate/cmd/pushgate/pushgatetest"
)

// memoryBound is what a node of these tests may take: far above what the
// outboxes and pages of its clients add up to, far below what one that keeps
// whatever a dead client does not read would take.
func memoryBound() int64 {
	const bound = 256 << 20
	if pushgatetest.Raced() {
		return 6 * bound
	}
	return bound
}

func (n *node) checkMemory() {
	n.t.Helper()
	memory, bound := n.memory(), memoryBound()
	n.t.Logf("at most %d MiB resident", memory>>20)
	if memory > bound {
		n.t.Errorf("the server had %d MiB of resident memory; the bound is %d MiB", memory>>20, bound>>20)
	}
}

// memory is the most resident memory that the process has ever had, in bytes.
func (n *node) memory() int64 {
	n.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.PID()))
	if err != nil {
		n.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "VmHWM:" {
			kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				n.t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	n.t.Fatal("VmHWM is not in the status of the process")
	return 0
}
