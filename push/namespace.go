package push

import (
	"fmt"
	"time"

	"pushgate/store"
)

// MaxWindow is the greatest number of messages that one subscription may have
// under way and unacked.
const MaxWindow = 4096

// Namespace holds the settings of all channels whose names begin with it.
type Namespace struct {
	// Durable: messages are stored. Otherwise all messages are ephemeral.
	Durable bool
	// Retention bounds what the store keeps of a channel; 0 means no bound.
	Retention Retention
	// Start says where a first durable subscription starts.
	Start store.Start
	// DurableOnly refuses subscriptions that are not durable.
	DurableOnly bool
	// ClientPublish lets WebSocket clients publish.
	ClientPublish bool
	// Authorize asks Connection.Consent for each subscription of a client.
	Authorize bool
	// Window is the number of unacked messages of a subscription that asks for
	// none, 1 to MaxWindow.
	Window int
	// SubscriptionExpiry deletes durable subscriptions that nobody used for so
	// long; 0 keeps them for ever.
	SubscriptionExpiry time.Duration
}

// Retention bounds a channel's stored messages.
type Retention struct {
	Age      time.Duration
	Messages uint64
	Bytes    uint64
}

// DefaultNamespace is what applies where nothing is configured.
func DefaultNamespace() Namespace {
	return Namespace{
		Durable:   true,
		Retention: Retention{Age: 72 * time.Hour},
		Start:     store.StartNew,
		Window:    256,
	}
}

// Validate names the first setting that cannot be.
func (n Namespace) Validate() error {
	switch {
	case n.Window < 1 || n.Window > MaxWindow:
		return fmt.Errorf("window: %d is not between 1 and %d", n.Window, MaxWindow)
	case n.Retention.Age < 0:
		return fmt.Errorf("retention.age: %s is negative", n.Retention.Age)
	case n.SubscriptionExpiry < 0:
		return fmt.Errorf("subscription_expiry: %s is negative", n.SubscriptionExpiry)
	case n.DurableOnly && !n.Durable:
		return fmt.Errorf("durable_only: the namespace is not durable")
	case n.Start != store.StartNew && n.Start != store.StartEarliest:
		return fmt.Errorf("start: must be new or earliest")
	}
	return nil
}

// Namespaces finds the settings of a channel. It is read-only once an engine has it.
type Namespaces struct {
	Default Namespace
	ByName  map[string]Namespace
}

// Of answers the settings of a channel's namespace.
func (n Namespaces) Of(channel string) Namespace { return n.named(namespaceOf(channel)) }

func (n Namespaces) named(name string) Namespace {
	if ns, ok := n.ByName[name]; ok {
		return ns
	}
	return n.Default
}

// shortestExpiry is the shortest subscription expiry of all namespaces; 0 when
// none expires.
func (n Namespaces) shortestExpiry() time.Duration {
	shortest := n.Default.SubscriptionExpiry
	for _, ns := range n.ByName {
		if shortest == 0 || ns.SubscriptionExpiry > 0 && ns.SubscriptionExpiry < shortest {
			shortest = ns.SubscriptionExpiry
		}
	}
	return shortest
}
