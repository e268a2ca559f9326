package config

import (
	"fmt"
	"strings"
	"testing"
)

// However an address of IPv4 is written, the network is one of IPv4, as callers' addresses are.
func TestNetworksOfCallers(t *testing.T) {
	networks := func(text string) (string, error) {
		f, err := load(t, sources{yaml: "callers: {a: {keys: [" + strings.Repeat("0", 64) + "], networks: ['" + text + "']}}"})
		if err != nil {
			return "", err
		}
		all, err := f.CallerSettings()
		if err != nil {
			return "", err
		}
		return fmt.Sprint(all[0].Networks), nil
	}
	for text, want := range map[string]string{
		"10.1.2.3":              "[10.1.2.3/32]",
		"10.1.2.3/8":            "[10.0.0.0/8]",
		"::ffff:10.1.2.3":       "[10.1.2.3/32]",
		"::ffff:10.1.2.3/104":   "[10.0.0.0/8]",
		"::ffff:0.0.0.0/96":     "[0.0.0.0/0]",
		"2001:db8::1/32":        "[2001:db8::/32]",
		"::ffff:0:10.1.2.3/128": "[::ffff:0:a01:203/128]", // not what the others are
	} {
		if have, err := networks(text); err != nil || have != want {
			t.Errorf("%s is read as %s, %v; want %s", text, have, err, want)
		}
	}
	for text, want := range map[string]string{
		"::ffff:10.0.0.0/95": "is more than all addresses of IPv4; write 0.0.0.0/0",
		"10.0.0.0/33":        "is neither an address nor a network",
		"here":               "is neither an address nor a network",
	} {
		if have, err := networks(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is read as %s, %v; want %s", text, have, err, want)
		}
	}
}
