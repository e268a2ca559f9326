// Package pattern matches names of channels, and other names with the same parts.
package pattern

import (
	"errors"
	"fmt"
	"strings"

	"pushgate/push"
)

// Pattern stands for channels. A name's parts, between its colons, are matched one
// by one:
//
//   - a part without * is matched literally;
//   - one * in a part stands for any characters of that part, also none;
//   - a part that is * and the last stands for all that follows, colons included,
//     but not for nothing at all;
//   - in a template, {sub} stands for the account of a token. One with a colon in its
//     name matches no such pattern, so that no account can choose a name by which it
//     reaches into another's channels.
//
// Matching takes time in proportion to the channel's name.
type Pattern struct {
	parts []part
	rest  bool // the last part is * and was left out of parts
}

// part is what stands before and behind its hole.
type part struct {
	hole          hole
	before, after string // after: with a hole only
}

type hole uint8

const (
	none hole = iota
	star
	account
)

const accountHole = "{sub}"

// Parse reads a pattern in which {sub} is nothing special. The error does not repeat
// it.
func Parse(text string) (Pattern, error) {
	if err := push.ValidateChannel(text); err != nil {
		return Pattern{}, errors.New("a pattern is not the name of a channel with * in it: at most 255 bytes of UTF-8, no control characters, no white space at the ends")
	}
	var p Pattern
	for text := range strings.SplitSeq(text, ":") {
		before, after, found := strings.Cut(text, "*")
		if strings.Contains(after, "*") {
			return Pattern{}, errors.New("a pattern has more than one * in a part; there may be one between two colons")
		}
		one := part{before: before}
		if found {
			one = part{star, before, after}
		}
		p.parts = append(p.parts, one)
	}
	if last := p.parts[len(p.parts)-1]; last == (part{hole: star}) {
		p.rest, p.parts = true, p.parts[:len(p.parts)-1]
	}
	return p, nil
}

// ParseTemplate reads a pattern that may have {sub}.
func ParseTemplate(text string) (Pattern, error) {
	p, err := Parse(text)
	if err != nil {
		return p, fmt.Errorf("%q: %w", text, err)
	}
	for i, one := range p.parts {
		before, after, found := strings.Cut(one.before+one.after, accountHole)
		switch {
		case !found:
		case one.hole == star || strings.Contains(after, accountHole):
			return p, fmt.Errorf("%q: between two colons there may be one {sub}, and no * beside it", text)
		default:
			p.parts[i] = part{account, before, after}
		}
	}
	return p, nil
}

// Matches says whether the pattern stands for a channel; sub is the account.
func (p Pattern) Matches(channel, sub string) bool {
	for i, one := range p.parts {
		text, rest, more := strings.Cut(channel, ":")
		if !one.matches(text, sub) {
			return false
		}
		if more != (p.rest || i+1 < len(p.parts)) {
			return false
		}
		channel = rest
	}
	return !p.rest || channel != ""
}

func (p part) matches(text, sub string) bool {
	switch p.hole {
	case none:
		return text == p.before
	case account:
		// text has no colon, so an account with one is not in it.
		return sub != "" && len(text) == len(p.before)+len(sub)+len(p.after) &&
			strings.HasPrefix(text, p.before) && strings.HasSuffix(text, p.after) &&
			text[len(p.before):len(p.before)+len(sub)] == sub
	default:
		return len(text) >= len(p.before)+len(p.after) &&
			strings.HasPrefix(text, p.before) && strings.HasSuffix(text, p.after)
	}
}

// Any says whether one of the patterns stands for a channel.
func Any(patterns []Pattern, channel, sub string) bool {
	for _, p := range patterns {
		if p.Matches(channel, sub) {
			return true
		}
	}
	return false
}
