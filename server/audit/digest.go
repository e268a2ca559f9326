package audit

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"pushgate/server/admission"
)

// maxParties is how many parties of one sort a digest tells apart.
const maxParties = 4096

// others stands for all that are not told apart.
const others = "(others)"

// key tells kinds of events apart.
type key struct {
	// party is whose bound the kind counts for: a side, or a caller as SORT:NAME.
	party   string
	method  string     // or, of failures, whose credentials they are
	network netip.Addr // what of the address counts as one
	rest    bool       // all kinds of the party that are not told apart
}

// digest has the first event of a kind written at once, and gathers those that follow.
// One party's kinds have a bound, and the parties of one sort have, so nobody hides what
// others do. Safe for concurrent use.
type digest struct {
	// every is how long a kind is known after its first event.
	every time.Duration
	// repeats says that what follows the first is written too, with its number.
	repeats bool
	most    int // kinds of one party

	mu      sync.Mutex
	kept    map[key]*gathered
	kinds   map[string]int // of each party
	parties map[string]int // of each sort
	fresh   []key          // of which the first is not written yet
}

// gathered are the events of a kind since the last that was written.
type gathered struct {
	since  time.Time  // the kind was new, or written
	from   netip.Addr // the first one's
	count  int
	reason string // the last one's
}

// entry is what is to be written of a kind.
type entry struct {
	key
	gathered
	at time.Time
}

func newDigest(every time.Duration, repeats bool, most int) *digest {
	return &digest{every: every, repeats: repeats, most: most, kept: map[key]*gathered{}, kinds: map[string]int{}, parties: map[string]int{}}
}

// add says whether there is something to be written at once.
func (d *digest) add(party, method string, from netip.Addr, reason string, now time.Time) (fresh bool) {
	k := key{party: clip(party), method: clip(method), network: admission.Network(from)}
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.kept[k]
	if g == nil {
		k = d.room(k)
		g = d.kept[k]
	}
	if fresh = g == nil; fresh {
		g = &gathered{since: now}
		d.keep(k, g)
		d.fresh = append(d.fresh, k)
	}
	if g.count++; g.count == 1 {
		g.from = from
	}
	g.reason = clip(reason)
	return fresh
}

// room is the kind that a new one counts as.
func (d *digest) room(k key) key {
	kinds, known := d.kinds[k.party]
	switch {
	case !known && d.parties[sortOf(k.party)] >= maxParties:
		return key{party: sortOf(k.party) + others, method: others, rest: true}
	case kinds >= d.most:
		return key{party: k.party, method: others, rest: true}
	}
	return k
}

// sortOf is the part of a party's name that is not its own.
func sortOf(party string) string { return party[:strings.IndexByte(party, ':')+1] }

func (d *digest) keep(k key, g *gathered) {
	d.kept[k] = g
	if d.kinds[k.party]++; d.kinds[k.party] == 1 {
		d.parties[sortOf(k.party)]++
	}
}

func (d *digest) forget(k key) {
	delete(d.kept, k)
	if d.kinds[k.party]--; d.kinds[k.party] > 0 {
		return
	}
	delete(d.kinds, k.party)
	if d.parties[sortOf(k.party)]--; d.parties[sortOf(k.party)] == 0 {
		delete(d.parties, sortOf(k.party))
	}
}

// take answers what is new.
func (d *digest) take() []entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.taken()
}

func (d *digest) taken() (entries []entry) {
	for _, k := range d.fresh {
		entries = append(entries, d.written(k, d.kept[k].since))
	}
	d.fresh = nil
	return entries
}

// sweep answers what is new and what was gathered; all of it, or what is due. It forgets
// the kinds of which nothing was gathered for long enough.
func (d *digest) sweep(now time.Time, all bool) []entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	entries := d.taken()
	for k, g := range d.kept {
		said := g.count > 0 && (d.repeats || k.rest)
		switch {
		case !all && now.Sub(g.since) < d.interval(k):
		case said:
			entries = append(entries, d.written(k, now))
		default:
			d.forget(k)
		}
	}
	return entries
}

// interval is how long what follows is gathered.
func (d *digest) interval(k key) time.Duration {
	if k.rest {
		return min(d.every, gatherInterval)
	}
	return d.every
}

func (d *digest) written(k key, at time.Time) entry {
	g := d.kept[k]
	e := entry{k, *g, at}
	*g = gathered{since: at}
	return e
}
