package admission

import (
	"net/netip"
	"sync"
	"time"
)

// maxFailing is how many addresses Failures remembers; beyond it, arbitrary ones are
// forgotten.
const maxFailing = 65_536

// Failures slows down addresses that show bad credentials again and again: after so
// many, credentials from there are looked at once a second only. IPv6 counts by /64.
// Addresses of this machine are not slowed down: they are those of proxies that are
// not trusted to name their clients. The nil Failures slows down nobody. Safe for
// concurrent use.
type Failures struct {
	free int

	mu sync.Mutex
	// settled is when the failures of an address will be forgotten, a second each.
	settled map[netip.Addr]time.Time
}

// NewFailures lets each address fail so many times for nothing.
func NewFailures(free int) *Failures {
	return &Failures{free: free, settled: map[netip.Addr]time.Time{}}
}

// Wait says how long credentials from an address are not looked at; 0: they are.
func (f *Failures) Wait(from netip.Addr, now time.Time) time.Duration {
	if f == nil || exempt(from) {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	settled, known := f.settled[Network(from)]
	if !known {
		return 0
	}
	return max(0, settled.Sub(now)-time.Duration(f.free)*time.Second)
}

// Failed notes that credentials from an address were bad.
func (f *Failures) Failed(from netip.Addr, now time.Time) {
	if f == nil || exempt(from) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	key := Network(from)
	settled := f.settled[key]
	if settled.Before(now) {
		settled = now
	}
	if _, known := f.settled[key]; !known {
		f.room(now)
	}
	f.settled[key] = settled.Add(time.Second)
}

// room makes place for another address. It looks at a few only, so an attack by many
// addresses does not make it slow.
func (f *Failures) room(now time.Time) {
	looked := 0
	for key, settled := range f.settled {
		if len(f.settled) >= maxFailing || settled.Before(now) {
			delete(f.settled, key)
		}
		if looked++; looked == 4 {
			return
		}
	}
}

func exempt(from netip.Addr) bool { return !from.IsValid() || from.Unmap().IsLoopback() }
