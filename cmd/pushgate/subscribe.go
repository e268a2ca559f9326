package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"pushgate/cmd/pushgate/follow"
)

type subscribeCommand struct {
	Channels   []string `arg:"" name:"channel" help:"The channels."`
	Subscriber string   `name:"subscriber" placeholder:"NAME" help:"A durable identity: the server keeps what is not handled yet, over all reconnects and restarts. Each message is acked when it is printed."`
	Token      string   `name:"token" placeholder:"TOKEN" env:"PUSHGATE_TOKEN" help:"Your token, where the node wants one; it says who you are. Better in the variable, where other processes do not see it."`
	From       string   `name:"from" placeholder:"WHERE" help:"Where a first subscription starts: new, earliest, cursor, or after a seq."`
	Server     string   `name:"server" placeholder:"URL" default:"ws://127.0.0.1:8080/ws" env:"PUSHGATE_WEBSOCKET_SERVER" help:"The node's WebSocket address."`
	trust      `embed:""`
	JSON       bool `name:"json" help:"Print each message as the JSON object that the server sent."`
	Count      int  `name:"count" placeholder:"N" help:"End after so many messages. Otherwise it goes on until it is interrupted."`
}

// Run prints messages until it is interrupted. What is not a message goes to
// standard error.
func (c *subscribeCommand) Run(ctx context.Context, t terminal) error {
	if _, err := strconv.ParseUint(c.From, 10, 64); err != nil {
		switch c.From {
		case "", "new", "earliest", "cursor":
		default:
			return usageError{fmt.Sprintf("--from: %q is not new, earliest, cursor or a seq", c.From)}
		}
	}
	if c.Token != "" && c.Subscriber != "" {
		return usageError{"--subscriber: the token says who you are; leave one of both out"}
	}
	if u, err := url.Parse(c.Server); err != nil || u.Host == "" || u.Scheme != "ws" && u.Scheme != "wss" {
		return usageError{fmt.Sprintf("--server: %q is no address of WebSockets; write ws://HOST:PORT/ws, or wss:// for a node behind TLS", c.Server)}
	}
	if c.Count < 0 {
		return usageError{"--count: it cannot be negative"}
	}
	secure, err := c.config()
	if err != nil {
		return err
	}
	printed := 0
	return follow.Run(ctx, follow.Options{
		URL: c.Server, TLS: secure, Subscriber: c.Subscriber, Token: c.Token, Channels: c.Channels, From: c.From,
		Message: func(m follow.Message) error {
			if err := printMessage(t.out, m, c.JSON); err != nil {
				return err
			}
			if printed++; printed == c.Count {
				return follow.ErrStop
			}
			return nil
		},
		Gap: func(g follow.Gap) {
			_, _ = fmt.Fprintf(t.err, "gap: %s %d–%d will not come (%s)\n", printable(g.Channel), g.From, g.To, g.Reason)
		},
		Note: func(text string) { _, _ = fmt.Fprintln(t.err, "pushgate:", printable(text)) },
	})
}
