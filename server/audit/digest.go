package audit

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

// maxKeys is how many kinds of events a digest tells apart; all others count as one.
const maxKeys = 4096

// key tells kinds of events apart.
type key struct {
	event, side, who, method string
	from                     netip.Addr
}

// digest lets the first event of a kind through, and gathers those that follow within
// its interval. Safe for concurrent use.
type digest struct {
	every  time.Duration
	logger *slog.Logger // nil: what is gathered is not written

	mu   sync.Mutex
	kept map[key]*gathered
}

// gathered are the events of a kind since the last that was written.
type gathered struct {
	since  time.Time
	count  int
	reason string // the last one's
}

func newDigest(every time.Duration, logger *slog.Logger) *digest {
	return &digest{every: every, logger: logger, kept: map[key]*gathered{}}
}

// add says whether this is the first event of its kind; it is written then.
func (d *digest) add(k key, reason string, now time.Time) (first bool) {
	d.mu.Lock()
	g := d.kept[k]
	if g == nil && len(d.kept) >= maxKeys {
		k = key{event: k.event, side: k.side, who: "(others)"}
		g = d.kept[k]
	}
	if first = g == nil; first {
		g = &gathered{since: now}
		d.kept[k] = g
	} else {
		g.count++
	}
	g.reason = reason
	d.mu.Unlock()
	if first && d.logger != nil {
		d.write(k, 1, reason)
	}
	return first
}

// sweep writes what was gathered, and forgets the kinds of which nothing was.
func (d *digest) sweep(now time.Time) {
	d.mu.Lock()
	due := map[key]gathered{}
	for k, g := range d.kept {
		switch {
		case now.Sub(g.since) < d.every:
		case g.count == 0 || d.logger == nil:
			delete(d.kept, k)
		default:
			due[k] = *g
			*g = gathered{since: now}
		}
	}
	d.mu.Unlock()
	for k, g := range due {
		d.write(k, g.count, g.reason)
	}
}

func (d *digest) write(k key, count int, reason string) {
	attributes := []slog.Attr{slog.String("side", k.side), slog.String("address", address(k.from))}
	if k.who != "" {
		attributes = append(attributes, slog.String("caller", k.who))
	}
	if k.method != "" {
		attributes = append(attributes, slog.String("method", k.method))
	}
	write(d.logger, k.event, append(attributes, slog.String("reason", reason), slog.Int("count", count)))
}
