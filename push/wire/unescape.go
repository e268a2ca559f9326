package wire

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// appendUnescaped appends the text of a valid JSON string, given without its quotes, to dst. A surrogate without its
// partner becomes U+FFFD.
func appendUnescaped(dst, s []byte) []byte {
	for {
		plain, escaped, found := bytes.Cut(s, []byte{'\\'})
		dst = append(dst, plain...)
		if !found {
			return dst
		}
		c := escaped[0]
		s = escaped[1:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			var r rune
			r, s = unescapeRune(s)
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
}

// unescapeRune reads the rune of an escape that starts with the four digits after \u, and returns what follows it.
func unescapeRune(s []byte) (rune, []byte) {
	r, _ := hex4(s)
	s = s[4:]
	if !utf16.IsSurrogate(r) {
		return r, s
	}
	if low, found := bytes.CutPrefix(s, []byte(`\u`)); found {
		second, _ := hex4(low)
		if pair := utf16.DecodeRune(r, second); pair != utf8.RuneError {
			return pair, low[4:]
		}
	}
	return utf8.RuneError, s
}

// hex4 reads the four hexadecimal digits that s starts with.
func hex4(s []byte) (r rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for _, c := range s[:4] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
