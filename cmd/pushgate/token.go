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
	"pushgate/server/auth/pattern"
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
	Scope        []string        `name:"scope" placeholder:"SCOPE" help:"What a backend may call with it by gRPC, as pushgate:publish,pushgate:subscribe; see grpc.tokens."`
	Expires      config.Duration `name:"expires" placeholder:"DURATION" default:"1h" help:"How long it is good."`
	Key          string          `name:"key" placeholder:"FILE" help:"A private key in PEM to sign with, instead of the secret of the configuration."`
	KeyID        string          `name:"key-id" placeholder:"ID" help:"The key's id (kid)."`
	Algorithm    string          `name:"algorithm" placeholder:"NAME" help:"How to sign. Otherwise the first that the key is for, such as HS256."`
}

// Run prints a token that a node with this configuration takes, if it has the
// public half of the key.
func (c *makeTokenCommand) Run(t terminal) error {
	if err := c.check(); err != nil {
		return err
	}
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
	if len(c.Scope) > 0 {
		claims["scope"] = strings.Join(c.Scope, " ")
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

// check refuses what no node would take.
func (c *makeTokenCommand) check() error {
	if c.Expires <= 0 {
		return usageError{"--expires: the token would never be good; give a time that is longer"}
	}
	for flag, name := range map[string]string{"--subscriber": c.Subscriber, "--device": c.Device} {
		if name != "" && push.ValidateSubscriber(name) != nil {
			return usageError{fmt.Sprintf("%s: %q is not a name: 1 to 255 bytes of UTF-8, no control characters, no white space at the ends", flag, name)}
		}
	}
	return nil
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
		name, actions := text, allActions
		if i := strings.LastIndex(text, "="); i >= 0 {
			name, actions = text[:i], strings.Split(text[i+1:], ",")
		}
		if _, err := pattern.Parse(name); err != nil {
			return nil, usageError{fmt.Sprintf("--allow: %q: %s", name, err)}
		}
		for _, action := range actions {
			if !slices.Contains(allActions, action) {
				return nil, usageError{fmt.Sprintf("--allow: %q is none of %s", action, strings.Join(allActions, ", "))}
			}
		}
		channels[name] = actions
	}
	return channels, nil
}

type checkTokenCommand struct {
	config.Flags `embed:""`
	Text         string `arg:"" name:"token" optional:"" help:"The token; without it the first line of standard input, where no other process sees it."`
}

// Run prints what a good token says; what is wrong with a bad one is an error.
func (c *checkTokenCommand) Run(ctx context.Context, t terminal) error {
	verifier, err := newVerifier(&c.Flags, slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: slog.LevelWarn})), nil)
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
		"subscriber": claims.Subscriber, "id": claims.ID, "issued": stamp(claims.Issued), "expires": stamp(claims.Expires), "channels": claims.Channels(), "scope": claims.Scope,
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
