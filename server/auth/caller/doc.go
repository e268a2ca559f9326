// Package caller knows who calls by gRPC: backends and operators. They show a key, a
// certificate or a token, and may do what the configuration or the token says.
package caller
