package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"pushgate/cmd/pushgate/config"
	"pushgate/push"
	"pushgate/server/auth/token"
)

type tokenCommand struct {
	Make  makeTokenCommand  `cmd:"" help:"Make a token, for development and tests."`
	Check checkTokenCommand `cmd:"" help:"Check a token by the configuration of a node, and say what it allows."`
}

type makeTokenCommand struct {
	config.Flags `embed:""`
	Subscriber   string          `name:"subscriber" placeholder:"NAME" help:"Whose token it is. Without, it has no durable subscriptions."`
	Device       string          `name:"device" placeholder:"NAME" help:"The device, with a token.device_claim."`
	Allow        []string        `name:"allow" sep:"none" placeholder:"PATTERN=ACTION,…" help:"What the channels of a pattern may be used for, as orders:*=subscribe,history; without actions: subscribe, publish and history. Repeatable."`
	Expires      config.Duration `name:"expires" placeholder:"DURATION" default:"1h" help:"How long it is good."`
	Key          string          `name:"key" placeholder:"FILE" help:"A private key in PEM to sign with, instead of the secret of the configuration."`
	KeyID        string          `name:"key-id" placeholder:"ID" help:"The key's id (kid)."`
	Algorithm    string          `name:"algorithm" placeholder:"NAME" help:"How to sign. Otherwise the first that the key is for, such as HS256."`
}

// Run prints a token that a node with this configuration takes, if it has the
// public half of the key.
func (c *makeTokenCommand) Run(t terminal) error {
	key, err := c.key()
	if err != nil {
		return err
	}
	channels, err := c.channels()
	if err != nil {
		return err
	}
	now := time.Now()
	names := c.Tokens(nil).Names
	claims := map[string]any{
		"iat": now.Unix(), "exp": now.Add(time.Duration(c.Expires)).Unix(), "jti": rand.Text(), names.Channels: channels,
	}
	if c.Subscriber != "" {
		claims[names.Subscriber] = c.Subscriber
	}
	switch {
	case c.Device != "" && names.Device == "":
		return usageError{"--device: there is no token.device_claim"}
	case c.Device != "":
		claims[names.Device] = c.Device
	}
	if c.Token.Issuer != "" {
		claims["iss"] = c.Token.Issuer
	}
	if len(c.Token.Audience) > 0 {
		claims["aud"] = c.Token.Audience[0]
	}
	text, err := token.Sign(key, c.Algorithm, c.KeyID, claims)
	if err != nil {
		return usageError{"signing: " + err.Error()}
	}
	_, err = fmt.Fprintln(t.out, text)
	return err
}

// key is what to sign with.
func (c *makeTokenCommand) key() ([]byte, error) {
	path := c.Key
	switch {
	case path != "":
	case c.Token.Secret != "":
		return []byte(c.Token.Secret), nil
	case c.Token.SecretFile != "":
		path = c.Token.SecretFile
	default:
		return nil, usageError{"there is nothing to sign with; set token.secret (PUSHGATE_TOKEN_SECRET) or token.secret_file, or give --key"}
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, usageError{err.Error()}
	}
	return key, nil
}

var allActions = []string{"subscribe", "publish", "history"}

func (c *makeTokenCommand) channels() (map[string][]string, error) {
	channels := map[string][]string{}
	for _, text := range c.Allow {
		i := strings.LastIndex(text, "=")
		if i < 0 {
			channels[text] = allActions
			continue
		}
		actions := strings.Split(text[i+1:], ",")
		for _, action := range actions {
			if !slices.Contains(allActions, action) {
				return nil, usageError{fmt.Sprintf("--allow: %q is none of %s", action, strings.Join(allActions, ", "))}
			}
		}
		channels[text[:i]] = actions
	}
	return channels, nil
}

type checkTokenCommand struct {
	config.Flags `embed:""`
	Text         string `arg:"" name:"token" optional:"" help:"The token; without it the first line of standard input, where no other process sees it."`
}

// Run prints what a good token says; what is wrong with a bad one is an error.
func (c *checkTokenCommand) Run(ctx context.Context, t terminal) error {
	verifier, err := newVerifier(&c.Flags, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if verifier == nil {
		return usageError{"there is no key for tokens; set token.secret, token.secret_file, token.key_files or token.jwks_urls"}
	}
	text := c.Text
	if text == "" {
		scanner := bufio.NewScanner(t.in)
		scanner.Scan()
		text = strings.TrimSpace(scanner.Text())
	}
	verifier.Start()
	defer verifier.Stop()
	claims, err := verifier.Verify(ctx, text)
	if err != nil {
		return errors.New(push.AsError(err).Message)
	}
	answer, err := json.Marshal(map[string]any{
		"subscriber": claims.Subscriber, "id": claims.ID, "issued": stamp(claims.Issued), "expires": stamp(claims.Expires), "channels": claims.Channels(),
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s\n", answer)
	return err
}

// stamp is null for a time that is not there.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}
