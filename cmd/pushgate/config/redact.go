package config

import (
	"net/url"
	"strings"
)

const redacted = "REDACTED"

// redact hides the passwords of a store's URL, and all of one that is not plainly a URL
// with nothing after its query: what was meant as a password may be in any part of it.
func redact(store string) string {
	if store == "" {
		return ""
	}
	u, err := url.Parse(store)
	if err != nil || u.Scheme == "" || strings.Contains(store, "#") || strings.Contains(u.EscapedPath()+u.RawQuery, "@") {
		return redacted
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return redacted
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), redacted)
	}
	hidden := false
	for name := range query {
		if strings.Contains(strings.ToLower(name), "password") {
			query.Set(name, redacted)
			hidden = true
		}
	}
	if hidden {
		u.RawQuery = query.Encode()
	}
	return u.String()
}

// redactQuery hides the passwords of a URL, and its query.
func redactQuery(address string) string {
	bare, _, asks := strings.Cut(redact(address), "?")
	if asks {
		bare += "?" + redacted
	}
	return bare
}
