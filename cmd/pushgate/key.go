package main

import (
	"bufio"
	"fmt"
	"strings"

	"pushgate/cmd/pushgate/config"
	"pushgate/server/auth/caller"
)

type keyCommand struct {
	Make makeKeyCommand `cmd:"" help:"Make an API key for a caller of gRPC."`
	Hash hashKeyCommand `cmd:"" help:"Print what the configuration holds of a key that is read from standard input."`
}

type makeKeyCommand struct {
	Caller string `arg:"" name:"caller" optional:"" default:"NAME" help:"The caller it is for."`
}

// Run prints a key, once, and what to write into the configuration.
func (c *makeKeyCommand) Run(t terminal) error {
	if c.Caller != "NAME" && !config.IsCallerName(c.Caller) {
		return usageError{fmt.Sprintf("%q is no name for a caller: letters, digits, ., - and _ only, at most 100", c.Caller)}
	}
	key := caller.NewKey()
	_, err := fmt.Fprintf(t.out, "%s\n", key)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.err, "Give this key to the caller; it is shown this once. Into the configuration comes its hash:\n\n"+
		"callers:\n  %s:\n    keys: [%s]\n    publish: [\"CHANNELS:*\"]   # or control: read, or control: all\n\nThen: kill -HUP, systemctl reload, or pushgate reload.\n", c.Caller, caller.HashOf(key))
	return err
}

type hashKeyCommand struct{}

// Run prints the hash of a key.
func (*hashKeyCommand) Run(t terminal) error {
	scanner := bufio.NewScanner(t.in)
	scanner.Scan()
	key := strings.TrimSpace(scanner.Text())
	if key == "" {
		return usageError{"there is no key on standard input; write: pushgate key hash < FILE"}
	}
	if _, err := caller.ParseHash(key); err == nil {
		return usageError{"this is the hash of a key already"}
	}
	_, err := fmt.Fprintln(t.out, caller.HashOf(key))
	return err
}
