package admission

import "runtime/metrics"

// usage tells what memory the process cannot do without. It is for one goroutine.
type usage struct{ samples []metrics.Sample }

// The order of the samples.
const (
	mapped = iota
	released
	objects
	unused
	free
	live
	cycles
)

func newUsage() *usage {
	names := []string{
		mapped: "/memory/classes/total:bytes", released: "/memory/classes/heap/released:bytes",
		objects: "/memory/classes/heap/objects:bytes", unused: "/memory/classes/heap/unused:bytes",
		free: "/memory/classes/heap/free:bytes", live: "/gc/heap/live:bytes", cycles: "/gc/cycles/total:gc-cycles",
	}
	u := &usage{samples: make([]metrics.Sample, len(names))}
	for i, name := range names {
		u.samples[i].Name = name
	}
	return u
}

// read answers how many bytes are held, and how many collections there were.
//
// Held is what the last collection found alive, the stacks, and what the runtime
// needs for itself. What the process has of the system (its resident set, what its
// control group counts) says less: under a memory limit the collector lets garbage
// grow up to that, and a group counts the page cache of the database's file. What
// is not Go's, as SQLite's own cache, is small and bounded.
func (u *usage) read() (held int64, collections uint64) {
	metrics.Read(u.samples)
	value := func(i int) int64 { return int64(u.samples[i].Value.Uint64()) }
	heap := value(objects) + value(unused) + value(free) + value(released)
	return value(mapped) - heap + value(live), u.samples[cycles].Value.Uint64()
}
