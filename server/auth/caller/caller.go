package caller

import (
	"fmt"
	"net/netip"
	"reflect"
	"time"

	"pushgate/push"
	"pushgate/server/auth/pattern"
)

// Right is what a call needs.
type Right uint8

// The rights.
const (
	None      Right = iota
	Any             // of anybody who has shown who it is
	Publish         // PublishService, to some channels
	Subscribe       // SubscribeService, to some channels
	Read            // what of ControlService changes nothing
	Control         // all of it
)

// Settings are those of one caller.
type Settings struct {
	Name string
	// Keys are the hashes of its keys; several while one replaces another.
	Keys []Hash
	// Certificates are names (URI, DNS, or the common name where there are none) of
	// certificates that stand for it.
	Certificates []string
	// Publish and Subscribe are patterns for the channels that it may publish to, and
	// subscribe to with their history.
	Publish, Subscribe []string
	// Subscribers are patterns for the subscribers that it may be; none: without one
	// only.
	Subscribers   []string
	Read, Control bool
	Expires       time.Time      // zero: never
	Networks      []netip.Prefix // where it calls from; none: from anywhere
	// Messages and Bytes are what it may publish in a second; 0: no bound.
	Messages, Bytes int
}

// caller is one that the configuration names. Its keys and certificates share its
// rates.
type caller struct {
	settings           Settings
	publish, subscribe []pattern.Pattern
	subscribers        []pattern.Pattern
	messages, bytes    rate
	counters           counters
}

func newCaller(s Settings, m *metrics) (*caller, error) {
	c := &caller{
		settings: s, counters: m.of(s.Name),
		messages: rate{perSecond: s.Messages}, bytes: rate{perSecond: s.Bytes},
	}
	for _, list := range []struct {
		key   string
		texts []string
		into  *[]pattern.Pattern
	}{
		{"publish", s.Publish, &c.publish}, {"subscribe", s.Subscribe, &c.subscribe}, {"subscribers", s.Subscribers, &c.subscribers},
	} {
		for _, text := range list.texts {
			p, err := pattern.Parse(text)
			if err != nil {
				return nil, fmt.Errorf("%s: %q: %w", list.key, text, err)
			}
			*list.into = append(*list.into, p)
		}
	}
	return c, nil
}

// same says that the settings are another's, credentials aside.
func (c *caller) same(s Settings) bool {
	mine := c.settings
	mine.Keys, mine.Certificates, s.Keys, s.Certificates = nil, nil, nil, nil
	return reflect.DeepEqual(mine, s)
}

// May is what of push.Access: subscribing includes the history.
func (c *caller) May(action push.Action, channel string) bool {
	if action == push.ActionPublish {
		return pattern.Any(c.publish, channel, "")
	}
	return pattern.Any(c.subscribe, channel, "")
}

func (c *caller) mayBe(subscriber string) bool { return pattern.Any(c.subscribers, subscriber, "") }

func (c *caller) has(r Right) bool {
	switch r {
	case None, Any:
		return true
	case Publish:
		return len(c.publish) > 0
	case Subscribe:
		return len(c.subscribe) > 0
	case Read:
		return c.settings.Read || c.settings.Control
	default:
		return c.settings.Control
	}
}

// take takes a message of so many bytes from both rates, or says how long to wait, and
// takes nothing.
func (c *caller) take(now time.Time, bytes int) (wait time.Duration) {
	if wait = c.messages.take(now, 1); wait > 0 {
		return wait
	}
	if wait = c.bytes.take(now, bytes); wait > 0 {
		c.messages.give(1)
	}
	return wait
}

// from says that the caller may call from an address.
func (c *caller) from(address netip.Addr) bool {
	for _, n := range c.settings.Networks {
		if n.Contains(address) {
			return true
		}
	}
	return len(c.settings.Networks) == 0
}
