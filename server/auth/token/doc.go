// Package token turns the tokens of clients (JWT, RFC 7519) into what they may do:
// it holds the keys, checks signatures and claims, and matches channels with
// patterns. It never puts a token, or a part of one, into an error or a log.
package token
