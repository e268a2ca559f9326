package push

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is the length limit of channel names, subscriber names and message
// ids, in bytes.
const MaxName = 255

// ValidateChannel checks a channel's name: 1 to 255 bytes of UTF-8, no control
// characters, no white space at the ends.
func ValidateChannel(name string) error { return validateName("channel", name) }

// ValidateSubscriber checks a subscriber's name by the rules of channel names.
func ValidateSubscriber(name string) error { return validateName("subscriber", name) }

func validateName(field, name string) error {
	switch {
	case name == "":
		return invalid(field, "%s is empty", field)
	case len(name) > MaxName:
		return invalid(field, "%s is %d bytes long; the limit is %d", field, len(name), MaxName)
	case !utf8.ValidString(name):
		return invalid(field, "%s is not valid UTF-8", field)
	case strings.ContainsFunc(name, unicode.IsControl):
		return invalid(field, "%s contains a control character", field)
	case strings.TrimSpace(name) != name:
		return invalid(field, "%s has white space at its ends", field)
	}
	return nil
}

// namespaceOf is the part of a channel's name before the first colon; "" for a
// channel of the default namespace.
func namespaceOf(channel string) string {
	name, _, found := strings.Cut(channel, ":")
	if !found {
		return ""
	}
	return name
}
