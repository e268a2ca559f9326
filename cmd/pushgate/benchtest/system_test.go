//go:build linux

package benchtest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tick is the unit of /proc/PID/stat (proc_pid_stat(5)): USER_HZ, 100 on every Linux
// that Go runs on.
const tick = 10 * time.Millisecond

// processorTime is what a process has used so far, to 10 ms.
func processorTime(tb testing.TB, pid int) time.Duration {
	tb.Helper()
	text := read(tb, fmt.Sprintf("/proc/%d/stat", pid))
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	const user, system = 11, 12 // after the name: fields 14 and 15
	return time.Duration(number(tb, fields[user])+number(tb, fields[system])) * tick
}

// resident is the resident memory of a process in bytes.
func resident(tb testing.TB, pid int) int {
	tb.Helper()
	for line := range strings.Lines(read(tb, fmt.Sprintf("/proc/%d/status", pid))) {
		if fields := strings.Fields(line); fields[0] == "VmRSS:" {
			return number(tb, fields[1]) << 10
		}
	}
	tb.Fatal("the status of the process has no VmRSS")
	return 0
}

func read(tb testing.TB, file string) string {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

func number(tb testing.TB, text string) int {
	tb.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}
