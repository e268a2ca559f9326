package admission

import (
	"net/netip"
	"slices"
	"strings"
)

// maxHops is how many hops of a header are looked at, the last ones.
const maxHops = 64

// forwardedForHops reads a line of X-Forwarded-For from its end. whole is false
// when it has more hops than are looked at. A hop that is no address is zero.
func forwardedForHops(line string) (hops []netip.Addr, whole bool) {
	for rest, more := line, true; more; {
		if len(hops) == maxHops {
			slices.Reverse(hops)
			return hops, false
		}
		hop := rest
		at := strings.LastIndexByte(rest, ',')
		if more = at >= 0; more {
			rest, hop = rest[:at], rest[at+1:]
		}
		hops = append(hops, parseHop(strings.Trim(hop, " \t")))
	}
	slices.Reverse(hops)
	return hops, true
}

// forwardedHops reads a line of Forwarded (RFC 7239 §4). A hop that does not say
// an address is zero; a line that is not well-formed has no hops and is not whole:
// nobody can tell which part of it is whose.
func forwardedHops(line string) (hops []netip.Addr, whole bool) {
	rest := line
	for {
		var hop netip.Addr
		var ok bool
		if hop, rest, ok = forwardedElement(rest); !ok {
			return nil, false
		}
		hops = append(hops, hop)
		if rest == "" {
			break
		}
		rest = rest[1:] // the comma
	}
	if len(hops) > maxHops {
		return hops[len(hops)-maxHops:], false
	}
	return hops, true
}

// forwardedElement reads one element, up to a comma or the end, and answers its
// parameter for.
func forwardedElement(text string) (hop netip.Addr, rest string, ok bool) {
	seen := false
	for {
		text = strings.TrimLeft(text, " \t")
		name, after := token(text)
		if name == "" || !strings.HasPrefix(after, "=") {
			// An element may be empty, and end in a semicolon.
			if name == "" && (text == "" || text[0] == ',') {
				return hop, text, true
			}
			return hop, "", false
		}
		var value string
		if value, text, ok = forwardedValue(after[1:]); !ok {
			return hop, "", false
		}
		if strings.EqualFold(name, "for") {
			if seen {
				return hop, "", false
			}
			hop, seen = parseHop(value), true
		}
		text = strings.TrimLeft(text, " \t")
		switch {
		case text == "" || text[0] == ',':
			return hop, text, true
		case text[0] != ';':
			return hop, "", false
		}
		text = text[1:]
	}
}

// forwardedValue reads a token or a quoted string.
func forwardedValue(text string) (value, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		value, rest = token(text)
		return value, rest, value != ""
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			value = text[1:i]
			if strings.Contains(value, `\`) {
				value = "" // no address needs an escape
			}
			return value, text[i+1:], true
		}
	}
	return "", "", false
}

// token cuts off the longest token (RFC 9110 §5.6.2), and takes colons and
// brackets too: many proxies leave the quotes of an address away.
func token(text string) (token, rest string) {
	i := 0
	for i < len(text) && (isAlphanumeric(text[i]) || strings.IndexByte("!#$%&'*+-.^_`|~:[]", text[i]) >= 0) {
		i++
	}
	return text[:i], text[i:]
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
