package rpc

import (
	"strings"
	"unicode"

	"pushgate/push"
	"pushgate/push/wire"
)

// optionalChannel and optionalSubscriber check filters, which may be empty.
func optionalChannel(name string) error {
	if name == "" {
		return nil
	}
	return push.ValidateChannel(name)
}

func optionalSubscriber(name string) error {
	if name == "" {
		return nil
	}
	return push.ValidateSubscriber(name)
}

// validatePart checks what may be any part of a name.
func validatePart(field, text string) error {
	switch {
	case len(text) > push.MaxName:
		return invalid(field, "%s is %d bytes long; the limit is %d", field, len(text), push.MaxName)
	case strings.ContainsFunc(text, unicode.IsControl):
		return invalid(field, "%s contains a control character", field)
	}
	return nil
}

func validateSeq(field string, seq uint64) error {
	if seq > wire.MaxSeq {
		return invalid(field, "%s is greater than any seq can be", field)
	}
	return nil
}
