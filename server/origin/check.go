package origin

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Check refuses what cannot stand in Policy.Allowed, because no browser says so of itself.
func Check(text string) error {
	scheme, host, full := strings.Cut(text, "://")
	if !full {
		scheme, host = "", text
	}
	u, err := url.Parse("x://" + host)
	_, number, splits := net.SplitHostPort(host)
	switch {
	case text == "*" || text == "null":
		return nil
	case strings.Contains(text, "*"):
		return fmt.Errorf("%q: there are no patterns; write each origin, or * for all", text)
	case err != nil || u.Host != host || u.Hostname() == "" || full && scheme == "" || strings.HasSuffix(u.Hostname(), "."):
		return fmt.Errorf("%q is not an origin; write scheme and host, as https://app.example.com", text)
	case splits == nil && (scheme == "https" && number == "443" || scheme == "http" && number == "80"):
		return errors.New("browsers leave out the port that is usual for " + scheme + "; write " + strings.TrimSuffix(text, ":"+number))
	}
	return nil
}
