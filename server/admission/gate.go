package admission

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Limits bound the connections of a node. 0 is no bound.
type Limits struct {
	// Connections is how many there may be.
	Connections int
	// PerSubscriber is how many of them may be of one subscriber.
	PerSubscriber int
	// PerAddress is how many may come from one client address; addresses of IPv6
	// count by their first 64 bits.
	PerAddress int
	// Rate is how many may be new in a second; as many may come at once.
	Rate int
}

// Gate lets connections in as far as its limits allow. The nil Gate lets in
// everybody.
type Gate struct {
	refusals *refusals

	mu           sync.Mutex
	limits       Limits
	short        bool // memory is
	open         int
	byAddress    map[netip.Addr]int
	bySubscriber map[string]int
	tokens       bucket
}

// NewGate makes a gate that nobody has come through. It counts and logs whom it
// refuses.
func NewGate(limits Limits, logger *slog.Logger, registry prometheus.Registerer) *Gate {
	g := &Gate{
		refusals: newRefusals(logger, registry),
		limits:   limits, byAddress: make(map[netip.Addr]int), bySubscriber: make(map[string]int),
		tokens: newBucket(limits.Rate, time.Now()),
	}
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "pushgate_connections_limit", Help: "Connections that there may be; 0: no bound.",
	}, func() float64 { return float64(g.Limits().Connections) }))
	return g
}

// SetLimits puts other limits in force. Who is in stays in.
func (g *Gate) SetLimits(limits Limits) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if limits.Rate != g.limits.Rate {
		g.tokens = newBucket(limits.Rate, time.Now())
	}
	g.limits = limits
}

// Limits are the limits in force.
func (g *Gate) Limits() Limits {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.limits
}

// Open is the number of connections that are in.
func (g *Gate) Open() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

// setShort closes the gate while memory is short.
func (g *Gate) setShort(short bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.short = short
}

// Enter takes a place for a connection from an address, or says why there is
// none. The zero address counts for no address. The place has to be left.
func (g *Gate) Enter(from netip.Addr) (*Place, Reason) {
	if g == nil {
		return nil, None
	}
	place, reason := g.enter(Network(from))
	if reason != None {
		g.refusals.add(reason, from)
	}
	return place, reason
}

func (g *Gate) enter(from netip.Addr) (*Place, Reason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.short:
		return nil, Memory
	case reached(g.open, g.limits.Connections):
		return nil, Connections
	case from.IsValid() && reached(g.byAddress[from], g.limits.PerAddress):
		return nil, Address
	case !g.tokens.take(time.Now()):
		return nil, Rate
	}
	g.open++
	if from.IsValid() {
		g.byAddress[from]++
	}
	return &Place{gate: g, from: from}, None
}

func reached(n, limit int) bool { return limit > 0 && n >= limit }

// Place is one connection's. The nil Place is of the nil Gate.
type Place struct {
	gate *Gate
	from netip.Addr

	// Guarded by the gate's lock.
	subscriber string
	left       bool
}

// Identify says whose connection it is; it is called once, before Leave. It
// answers why that subscriber may have no more; the place is still to be left.
func (p *Place) Identify(subscriber string) Reason {
	if p == nil || subscriber == "" {
		return None
	}
	if !p.identify(subscriber) {
		p.gate.refusals.add(Subscriber, p.from)
		return Subscriber
	}
	return None
}

func (p *Place) identify(subscriber string) bool {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if reached(g.bySubscriber[subscriber], g.limits.PerSubscriber) {
		return false
	}
	p.subscriber = subscriber
	g.bySubscriber[subscriber]++
	return true
}

// Leave gives the place back. Twice is safe.
func (p *Place) Leave() {
	if p == nil {
		return
	}
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.left {
		return
	}
	p.left = true
	g.open--
	if p.from.IsValid() {
		less(g.byAddress, p.from)
	}
	if p.subscriber != "" {
		less(g.bySubscriber, p.subscriber)
	}
}

// less takes one off a count and forgets what is down to nothing.
func less[K comparable](counts map[K]int, key K) {
	if counts[key]--; counts[key] == 0 {
		delete(counts, key)
	}
}
