package push

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Live holds the settings that Engine.Reload changes while the engine runs.
type Live struct {
	Namespaces Namespaces

	MaxPayload       int // bytes of one published payload
	WindowBytes      int // sent and unacked on one subscription
	MaxSubscriptions int // of one connection

	ClientFrames   int           // of one connection in a second; 0: any number
	ClientBytes    int           // the same in bytes
	ClientPatience time.Duration // a client that is above them for so long is closed
	SlowRequest    time.Duration // a client's request that takes longer is logged
}

// current answers the settings that apply now.
func (c *Config) current() *Live { return c.live.Load() }

func (c *Config) watch() {
	first := c.Live
	c.live = new(atomic.Pointer[Live])
	c.live.Store(&first)
}

// Reload replaces the settings that may change while the engine runs; what they
// bound is measured by the new ones from then on, and subscriptions that are open
// keep their windows. It fails, and changes nothing, when one of them cannot be,
// or makes a namespace durable that was not, or the other way round: the open
// subscriptions to its channels could not follow.
func (e *Engine) Reload(l Live) error {
	next := e.cfg
	next.Live = l
	if err := next.Validate(); err != nil {
		return err
	}
	if name, changed := e.cfg.current().Namespaces.changesDurable(l.Namespaces); changed {
		return fmt.Errorf("namespace %q: durable cannot change while the engine runs", name)
	}
	e.cfg.live.Store(&l)
	return nil
}

// changesDurable finds a namespace that is durable in one of both only.
func (n Namespaces) changesDurable(to Namespaces) (name string, changed bool) {
	if n.Default.Durable != to.Default.Durable {
		return "default", true
	}
	for _, known := range []Namespaces{n, to} {
		for name := range known.ByName {
			if n.named(name).Durable != to.named(name).Durable {
				return name, true
			}
		}
	}
	return "", false
}

// validate names the first setting that cannot be.
func (l Live) validate() error {
	switch {
	case l.MaxPayload < 1:
		return errors.New("max_payload: must be positive")
	case l.WindowBytes < 1:
		return errors.New("window_bytes: must be positive")
	case l.MaxSubscriptions < 1:
		return errors.New("max_subscriptions: must be positive")
	case l.ClientFrames < 0:
		return errors.New("client_frames: must not be negative")
	case l.ClientBytes < 0:
		return errors.New("client_bytes: must not be negative")
	case l.ClientPatience < 1:
		return errors.New("client_patience: must be positive")
	case l.SlowRequest < 1:
		return errors.New("slow_request: must be positive")
	}
	if err := l.Namespaces.Default.Validate(); err != nil {
		return fmt.Errorf("default namespace: %w", err)
	}
	for name, ns := range l.Namespaces.ByName {
		if err := ns.Validate(); err != nil {
			return fmt.Errorf("namespace %q: %w", name, err)
		}
	}
	return nil
}
