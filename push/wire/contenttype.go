package wire

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// IsJSON says whether a payload of the content type is JSON: none at all, application/json, or any type with the
// suffix +json (RFC 6839 §3.1); parameters and case do not matter.
func IsJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	essence := essence(contentType)
	return strings.EqualFold(essence, "application/json") || isJSONSuffix(essence)
}

// ValidJSON says whether data may be published with a content type that IsJSON: it is JSON, and it is valid UTF-8,
// because a browser drops the connection on a text frame that is not (RFC 6455 §8.1).
func ValidJSON(data []byte) bool {
	return utf8.Valid(data) && json.Valid(data)
}

// isPlainJSON says whether the content type goes without saying in a message event.
func isPlainJSON(contentType string) bool {
	return contentType == "" || strings.EqualFold(essence(contentType), "application/json")
}

func isText(contentType string) bool {
	return len(contentType) > len("text/") && strings.EqualFold(contentType[:len("text/")], "text/")
}

func isJSONSuffix(essence string) bool {
	const suffix = "+json"
	at := len(essence) - len(suffix)
	return at > 0 && strings.EqualFold(essence[at:], suffix) && strings.Contains(essence[:at], "/")
}

// essence is the content type without parameters.
func essence(contentType string) string {
	base, _, _ := strings.Cut(contentType, ";")
	return strings.TrimSpace(base)
}
