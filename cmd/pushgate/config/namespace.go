package config

import (
	"reflect"
	"strings"
	"time"

	"pushgate/push"
	"pushgate/store"
)

// Namespace holds the settings of the channels whose names begin with the
// namespace's name and a colon. What one does not set, it takes from default.
type Namespace struct {
	Durable            bool      `name:"durable" default:"true" help:"Messages are stored, and wait for durable subscribers. Otherwise all are ephemeral."`
	Retention          Retention `embed:"" prefix:"retention-"`
	Start              string    `name:"start" enum:"new,earliest" default:"new" help:"Where a durable subscription that does not say it starts: new or earliest." reload:"live"`
	DurableOnly        bool      `name:"durable-only" default:"false" help:"Refuse subscriptions that are not durable: every subscriber is known, and gets each message until it acks." reload:"live"`
	ClientPublish      bool      `name:"client-publish" default:"false" help:"WebSocket clients may publish; with tokens, only where they allow it too." reload:"live"`
	Allow              Allow     `embed:"" prefix:"allow-"`
	Authorize          bool      `name:"authorize" default:"false" help:"Ask the authorizer, too, whether a client may have a subscription." reload:"live"`
	Window             int       `name:"window" default:"256" min:"1" max:"4096" help:"Messages that may be sent and unacked on a durable subscription that does not say it." reload:"live"`
	SubscriptionExpiry Duration  `name:"subscription-expiry" default:"0s" min:"0" help:"Durable subscriptions that nobody used for so long are deleted; 0: never." reload:"live"`
}

// Allow are patterns for channels of the namespace, as security.md explains them.
type Allow struct {
	Subscribe []string `name:"subscribe" help:"Channels that every client with a token may subscribe to, as patterns: orders:*, or user:{sub} for each client's own." reload:"live"`
	Publish   []string `name:"publish" help:"The same for publishing; client_publish has to be set too." reload:"live"`
	History   []string `name:"history" help:"The same for beginning a subscription with messages from before it." reload:"live"`
	Public    []string `name:"public" help:"Channels that everybody may subscribe to and read the history of; with token.anonymous, without a token." reload:"live"`
}

// Retention bounds what is stored of a channel.
type Retention struct {
	Age      Duration `name:"age" default:"72h" min:"0" help:"How long messages are kept; 0: no bound." reload:"live"`
	Messages int      `name:"messages" default:"0" min:"0" help:"How many are kept; 0: no bound. A message id is known as long as its message is kept: a small number shortens the time in which a repeated publish is recognised." reload:"live"`
	Bytes    Size     `name:"bytes" default:"0" min:"0" help:"How many bytes of payload are kept; 0: no bound." reload:"live"`
}

func (n Namespace) engine() push.Namespace {
	start := store.StartNew
	if n.Start == "earliest" {
		start = store.StartEarliest
	}
	return push.Namespace{
		Durable: n.Durable,
		Retention: push.Retention{
			Age:      time.Duration(n.Retention.Age),
			Messages: uint64(n.Retention.Messages),
			Bytes:    uint64(n.Retention.Bytes),
		},
		Start:              start,
		DurableOnly:        n.DurableOnly,
		ClientPublish:      n.ClientPublish,
		Authorize:          n.Authorize,
		Window:             n.Window,
		SubscriptionExpiry: time.Duration(n.SubscriptionExpiry),
	}
}

const defaultNamespace = "default"

// NamedNamespace is a namespace of the configuration, complete.
type NamedNamespace struct {
	Name string
	Namespace
	sources map[string]Source // of what the file says for it
}

// read puts in what the file says.
func (n *NamedNamespace) read(f *file, named namedNode) (err error) {
	key := "namespaces." + named.name
	if err := push.ValidateChannel(named.name); err != nil || strings.Contains(named.name, ":") {
		return f.problem(named.line, key, "a namespace is the part of a channel's name before the first colon: not empty, no colon, no control characters")
	}
	n.sources, err = f.fill(reflect.ValueOf(&n.Namespace).Elem(), namespaceSettings, key, named.node)
	return err
}
