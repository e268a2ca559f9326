package token

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"pushgate/push"
	"pushgate/server/auth/pattern"
)

// ClaimNames are the names of the claims that are not RFC 7519's.
type ClaimNames struct {
	Subscriber string // "sub"
	// Device names the claim that, with the subscriber's, makes the durable identity
	// SUB/DEVICE; "": the subscriber alone is it.
	Device   string
	Channels string
}

// maxPermissions is how many patterns a token may have.
const maxPermissions = 100

// maxTime is the end of the year 9999 in Unix seconds.
const maxTime = 253402300799

// Claims are what a token says, all of it checked.
type Claims struct {
	// Subscriber is the durable identity; Account the same without the device.
	Subscriber, Account string
	ID                  string
	Issued, Expires     time.Time // zero: the token does not say
	Scope               []string  // RFC 8693 §4.2

	permissions []permission
}

// Channels are the patterns of the token, with the actions that each allows.
func (c Claims) Channels() map[string][]string {
	channels := make(map[string][]string, len(c.permissions))
	for _, p := range c.permissions {
		for action := push.ActionSubscribe; action <= push.ActionHistory; action++ {
			if p.actions&(1<<action) != 0 {
				channels[p.text] = append(channels[p.text], action.String())
			}
		}
	}
	return channels
}

var actions = map[string]push.Action{
	"subscribe": push.ActionSubscribe, "publish": push.ActionPublish, "history": push.ActionHistory,
}

// readClaims reads the claims of a token that has been verified.
func readClaims(m jwt.MapClaims, names ClaimNames) (c Claims, err error) {
	if c.Account, err = name(m, names.Subscriber); err != nil {
		return c, err
	}
	c.Subscriber = c.Account
	if names.Device != "" {
		device, err := name(m, names.Device)
		if err != nil {
			return c, err
		}
		if strings.Contains(c.Account+device, "/") {
			return c, errors.New("with a device, neither the subscriber nor the device may have a slash")
		}
		switch {
		case device != "" && c.Account == "":
			return c, errors.New("there is a device without a subscriber")
		case device != "":
			c.Subscriber += "/" + device
		}
		if len(c.Subscriber) > push.MaxName {
			return c, errors.New("the subscriber and the device are too long together")
		}
	}
	if c.ID, err = name(m, "jti"); err != nil {
		return c, err
	}
	if c.Issued, err = when(m, "iat"); err != nil {
		return c, err
	}
	if c.Expires, err = when(m, "exp"); err != nil {
		return c, err
	}
	if c.Scope, err = scope(m); err != nil {
		return c, err
	}
	c.permissions, err = readPermissions(m[names.Channels])
	return c, err
}

// scope reads the words of the claim scope, if it is there: with spaces between them,
// or a list.
func scope(m jwt.MapClaims) (words []string, err error) {
	switch claim := m["scope"].(type) {
	case nil:
		return nil, nil
	case string:
		return strings.Fields(claim), nil
	case []any:
		for _, item := range claim {
			word, ok := item.(string)
			if !ok {
				return nil, errScope
			}
			words = append(words, word)
		}
		return words, nil
	default:
		return nil, errScope
	}
}

var errScope = errors.New("the claim scope is not a text of words, nor a list of them")

// name reads a claim that has to be fit for a name, if it is there.
func name(m jwt.MapClaims, claim string) (string, error) {
	value, found := m[claim]
	if !found {
		return "", nil
	}
	text, ok := value.(string)
	// Whatever is no UTF-8 was read as the replacement character: names that differ would
	// become one.
	if !ok || push.ValidateSubscriber(text) != nil || strings.ContainsRune(text, utf8.RuneError) {
		return "", errors.New("the claim " + claim + " is not a name: 1 to 255 bytes of UTF-8, no control characters, no white space at the ends")
	}
	return text, nil
}

// when reads a claim that is a time, if it is there.
func when(m jwt.MapClaims, claim string) (time.Time, error) {
	value, found := m[claim]
	if !found {
		return time.Time{}, nil
	}
	number, ok := value.(json.Number)
	if ok {
		if seconds, err := number.Float64(); err == nil && seconds >= 0 && seconds <= maxTime {
			whole, fraction := math.Modf(seconds)
			return time.Unix(int64(whole), int64(fraction*float64(time.Second))), nil
		}
	}
	return time.Time{}, errors.New("the claim " + claim + " is not a time in seconds since 1970")
}

var errPermissions = errors.New(`the claim of channels is neither {"PATTERN": ["subscribe", "publish", "history"]} nor [{"pattern": "PATTERN", "allow": […]}]`)

// readPermissions reads the claim that says which channels a token allows.
func readPermissions(claim any) (all []permission, err error) {
	add := func(text, actions any) {
		p, failure := readPermission(text, actions)
		if err == nil {
			err = failure
		}
		all = append(all, p)
	}
	switch claim := claim.(type) {
	case nil:
	case map[string]any:
		if len(claim) > maxPermissions {
			return nil, errTooMany
		}
		for text, actions := range claim {
			add(text, actions)
		}
	case []any:
		if len(claim) > maxPermissions {
			return nil, errTooMany
		}
		for _, item := range claim {
			entry, ok := item.(map[string]any)
			if !ok {
				return nil, errPermissions
			}
			add(entry["pattern"], entry["allow"])
		}
	default:
		return nil, errPermissions
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}

var errTooMany = errors.New("the token has more than 100 patterns for channels")

func readPermission(text, allow any) (p permission, err error) {
	name, ok := text.(string)
	list, listed := allow.([]any)
	if !ok || !listed {
		return p, errPermissions
	}
	if p.pattern, err = pattern.Parse(name); err != nil {
		return p, err
	}
	for _, item := range list {
		word, _ := item.(string)
		action, known := actions[word]
		if !known {
			return p, errPermissions
		}
		p.actions |= 1 << action
	}
	p.text = name
	return p, nil
}
