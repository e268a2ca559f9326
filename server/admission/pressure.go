package admission

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	pressureInterval = 100 * time.Millisecond
	// pressureSpan is how far below the high mark the low one is, in percent of the
	// limit.
	pressureSpan = 10
	// pressureCollect is the longest time between two collections while memory is
	// short: without one nobody would see that it was given back.
	pressureCollect = 5 * time.Second
)

// PressureOptions are the settings of a Pressure.
type PressureOptions struct {
	// Limit is what the process may hold, in bytes; 0: nobody knows, and memory is
	// never short.
	Limit int64
	// High is the percentage of Limit from which on nobody is let in, until what is
	// held is 10 below.
	High     int
	Logger   *slog.Logger
	Registry prometheus.Registerer
}

// Pressure closes a gate while memory is short.
type Pressure struct {
	gate    *Gate
	options PressureOptions
	held    atomic.Int64
	short   atomic.Bool
	changed func(short bool)

	cancel  context.CancelFunc
	running sync.WaitGroup
}

// NewPressure makes one that does nothing yet.
func NewPressure(gate *Gate, o PressureOptions) *Pressure {
	p := &Pressure{gate: gate, options: o}
	for _, g := range []struct {
		name, help string
		value      func() float64
	}{
		{"pushgate_memory_limit_bytes", "What the process may hold in memory; 0: it is not known.", func() float64 { return float64(o.Limit) }},
		{"pushgate_memory_held_bytes", "What the process cannot do without: memory without garbage.", func() float64 { return float64(p.held.Load()) }},
		{"pushgate_memory_short", "1 while no connections are let in because memory is short.", func() float64 {
			if p.short.Load() {
				return 1
			}
			return 0
		}},
	} {
		o.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help}, g.value))
	}
	return p
}

// Start begins to watch; Stop ends that, and twice is safe. changed is told when
// memory becomes short, and when it no longer is; it must return at once.
func (p *Pressure) Start(changed func(short bool)) {
	p.changed = changed
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	if p.options.Limit > 0 {
		p.running.Go(func() { p.run(ctx) })
	}
}

// Stop joins the goroutine.
func (p *Pressure) Stop() {
	if p.cancel != nil {
		p.cancel()
	}
	p.running.Wait()
}

// Short says why nobody is let in; "" while memory is not short.
func (p *Pressure) Short() string {
	if !p.short.Load() {
		return ""
	}
	return fmt.Sprintf("memory: %d MiB are held of %d MiB; new connections are refused", p.held.Load()>>20, p.options.Limit>>20)
}

func (p *Pressure) run(ctx context.Context) {
	tick := time.NewTicker(pressureInterval)
	defer tick.Stop()
	usage := newUsage()
	var seen uint64
	var collected time.Time
	for {
		held, collections := usage.read()
		now := time.Now()
		if collections != seen {
			seen, collected = collections, now
		}
		p.compare(held)
		if p.short.Load() && now.Sub(collected) >= pressureCollect {
			runtime.GC()
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// compare closes or opens the gate.
func (p *Pressure) compare(held int64) {
	p.held.Store(held)
	percent := int(held * 100 / p.options.Limit)
	switch short := p.short.Load(); {
	case !short && percent >= p.options.High:
		p.change(true)
		p.options.Logger.Warn("memory is short; new connections are refused", "held", held, "limit", p.options.Limit, "connections", p.gate.Open())
	case short && percent < p.options.High-pressureSpan:
		p.change(false)
		p.options.Logger.Info("memory is no longer short", "held", held, "limit", p.options.Limit, "connections", p.gate.Open())
	}
}

func (p *Pressure) change(short bool) {
	p.short.Store(short)
	p.gate.setShort(short)
	p.changed(short)
}
