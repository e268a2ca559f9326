package config

import (
	"net/url"
	"strings"
)

const redacted = "REDACTED"

// redact hides the passwords of a store's URL, and all of what is none.
func redact(store string) string {
	u, err := url.Parse(store)
	switch {
	case store == "":
		return ""
	case err != nil || u.Scheme == "":
		return redacted
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), redacted)
	}
	query := u.Query()
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
