package machine

import (
	"bufio"
	"io/fs"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// share is how much of a memory that is not all for Go's heap the process takes,
// in percent: the rest is for the kernel's side of it.
const share = 90

// Memory is what the process may take, in bytes, and what says so: GOMEMLIMIT, and
// 90 % of the control group's limit, or else of the machine's memory. The answer
// is 0 where nobody says it. Unless GOMEMLIMIT is set it is made Go's memory limit.
func Memory() (limit int64, from string) {
	system, from := memory(os.DirFS("/"))
	limit = system / 100 * share
	if os.Getenv("GOMEMLIMIT") == "" {
		if limit > 0 {
			debug.SetMemoryLimit(limit)
		}
		return limit, from
	}
	own := debug.SetMemoryLimit(-1)
	if own < math.MaxInt64 && (limit == 0 || own < limit) {
		return own, "GOMEMLIMIT"
	}
	return limit, from
}

// memory is the whole that root, the root of the file system, speaks of.
func memory(root fs.FS) (limit int64, from string) {
	if limit = cgroupMemory(root); limit > 0 {
		return limit, "the control group's limit"
	}
	return physicalMemory(root), "the machine"
}

func physicalMemory(root fs.FS) int64 {
	text, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}

// cgroupMemory is the least limit of the control groups that the process is in,
// of both versions; 0 when there is none.
func cgroupMemory(root fs.FS) int64 {
	least := int64(0)
	for _, g := range groups(root) {
		for dir := g.dir; ; dir = dir[:strings.LastIndexByte(dir, '/')] {
			if limit := readLimit(root, dir+"/"+g.file); limit > 0 && (least == 0 || limit < least) {
				least = limit
			}
			if len(dir) <= len(g.mount) {
				break
			}
		}
	}
	return least
}

// unlimited is what version 1 says, or more, when there is no limit.
const unlimited = 1 << 60

func readLimit(root fs.FS, path string) int64 {
	text, err := fs.ReadFile(root, path)
	if err != nil {
		return 0
	}
	limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || limit >= unlimited {
		return 0 // "max"
	}
	return limit
}

// group is a control group that bounds memory.
type group struct{ mount, dir, file string }

// groups finds the process's in the mounted hierarchies (cgroups(7)).
func groups(root fs.FS) []group {
	var v1, v2 string // paths in the hierarchies
	for _, line := range lines(root, "proc/self/cgroup") {
		fields := strings.SplitN(line, ":", 3)
		switch {
		case len(fields) < 3:
		case fields[0] == "0":
			v2 = fields[2]
		case hasWord(fields[1], "memory"):
			v1 = fields[2]
		}
	}
	var found []group
	for _, line := range lines(root, "proc/self/mountinfo") {
		before, after, _ := strings.Cut(line, " - ")
		mount, kind := strings.Fields(before), strings.Fields(after)
		if len(mount) < 5 || len(kind) < 3 {
			continue
		}
		switch {
		case kind[0] == "cgroup2":
			found = append(found, locate(mount[3], mount[4], v2, "memory.max"))
		case kind[0] == "cgroup" && hasWord(kind[2], "memory"):
			found = append(found, locate(mount[3], mount[4], v1, "memory.limit_in_bytes"))
		}
	}
	return found
}

// locate is where a group's files are, given what part of the hierarchy is mounted.
func locate(mounted, at, path, file string) group {
	at = strings.TrimPrefix(at, "/")
	inside, ok := strings.CutPrefix(path, strings.TrimSuffix(mounted, "/"))
	if !ok || strings.Contains(inside, "..") {
		inside = "" // outside of what is mounted: its root is all that can be seen
	}
	return group{mount: at, dir: at + strings.TrimSuffix(inside, "/"), file: file}
}

func hasWord(list, word string) bool {
	for item := range strings.SplitSeq(list, ",") {
		if item == word {
			return true
		}
	}
	return false
}

func lines(root fs.FS, path string) []string {
	file, err := root.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }()
	var all []string
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		all = append(all, scanner.Text())
	}
	return all
}
