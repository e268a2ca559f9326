package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"pushgate/cmd/pushgate/config"
)

// apiKey is how a command shows who calls.
type apiKey struct {
	Key       string `name:"api-key" placeholder:"KEY" env:"PUSHGATE_API_KEY" help:"An API key, or a token (JWT) for gRPC. Others see a command line: better use the variable, or --api-key-file."`
	File      string `name:"api-key-file" placeholder:"FILE" env:"PUSHGATE_API_KEY_FILE" help:"A file with it."`
	Plaintext bool   `name:"plaintext" help:"Show it without TLS to a node on another machine."`
}

// bearer is the key for a node, "" if there is none.
func (k apiKey) bearer(server string, secure bool) (bearer, error) {
	key := k.Key
	if key == "" && k.File != "" {
		content, err := os.ReadFile(k.File)
		if err != nil {
			return "", usageError{fmt.Sprintf("--api-key-file: %v", err)}
		}
		key = string(content)
	}
	if key != "" && !secure && !k.Plaintext && !config.Local(server) {
		return "", usageError{fmt.Sprintf("--api-key: it would go to %s as it is, for all on the way to read; write --server https://%s, or --plaintext if the network encrypts", server, server)}
	}
	return bearer(strings.TrimSpace(key)), nil
}

// bearer shows a key or a token with each call.
type bearer string

// GetRequestMetadata is part of credentials.PerRPCCredentials.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	if b == "" {
		return nil, nil
	}
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity is part of credentials.PerRPCCredentials: apiKey has looked.
func (bearer) RequireTransportSecurity() bool { return false }
