package pushgatetest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Memory is the most resident memory that the process has ever had, in bytes.
func (p *Process) Memory() int {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "VmHWM:" {
			kilobytes, err := strconv.Atoi(fields[1])
			if err != nil {
				p.t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	p.t.Fatal("VmHWM is not in the status of the process")
	return 0
}
