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
	Key       string `name:"api-key" placeholder:"KEY" help:"An API key, or a token (JWT) for gRPC. Others see a command line: better use PUSHGATE_API_KEY, or a file."`
	File      string `name:"api-key-file" placeholder:"FILE" help:"A file with it; also PUSHGATE_API_KEY_FILE."`
	Plaintext bool   `name:"plaintext" help:"Show it without TLS to a node on another machine."`
}

// bearer is the key for a node, "" if there is none.
func (k apiKey) bearer(server string, secure bool) (bearer, error) {
	key, err := k.read()
	if err != nil {
		return "", err
	}
	if key != "" && !secure && !k.Plaintext && !config.Local(server) {
		return "", usageError{fmt.Sprintf("--api-key: it would go to %s as it is, for all on the way to read; write --server https://%s, or --plaintext if the network encrypts", server, server)}
	}
	return bearer(key), nil
}

// given says that there is a key.
func (k apiKey) given() bool {
	key, err := k.read()
	return key != "" || err != nil
}

// read is the key that was given, "" if none was. Flags win over variables, whichever
// they are.
func (k apiKey) read() (string, error) {
	path := k.File
	if k.Key == "" && path == "" {
		if k.Key, path = os.Getenv("PUSHGATE_API_KEY"), os.Getenv("PUSHGATE_API_KEY_FILE"); k.Key != "" {
			path = ""
		}
	}
	source, key := "--api-key", strings.TrimSpace(k.Key)
	if k.Key == "" {
		if path == "" {
			return "", nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return "", usageError{fmt.Sprintf("--api-key-file: %v", err)}
		}
		source, key = "--api-key-file", strings.TrimSpace(string(content))
	}
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", usageError{source + ": this is no key: it is empty, or has white space in it"}
	}
	return key, nil
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
