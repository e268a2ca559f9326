package wire

import "errors"

var (
	errSyntax = errors.New("the frame is not one valid JSON object")
	errUTF8   = errors.New("the frame is not valid UTF-8")
	errDepth  = errors.New("the frame is nested deeper than 128 levels")
)

// scanValue checks the JSON value (RFC 8259) that starts at p[i], within depth objects and arrays, and returns the
// index after it. It leaves it to the caller to check that p is UTF-8.
func scanValue(p []byte, i, depth int) (int, error) {
	if i == len(p) {
		return 0, errSyntax
	}
	switch c := p[i]; {
	case c == '"':
		return scanString(p, i)
	case c == '-' || isDigit(c):
		return scanNumber(p, i)
	case c == '{':
		return scanObject(p, i, depth+1, nil)
	case c == '[':
		return scanArray(p, i, depth+1)
	case c == 't':
		return scanLiteral(p, i, "true")
	case c == 'f':
		return scanLiteral(p, i, "false")
	case c == 'n':
		return scanLiteral(p, i, "null")
	default:
		return 0, errSyntax
	}
}

// scanObject checks the object that starts at p[i] and shows its members, in order and with the key still quoted, to
// members if that is not nil.
func scanObject(p []byte, i, depth int, members *fields) (int, error) {
	if depth > maxDepth {
		return 0, errDepth
	}
	i = skipSpace(p, i+1)
	if i < len(p) && p[i] == '}' {
		return i + 1, nil
	}
	for {
		if i == len(p) || p[i] != '"' {
			return 0, errSyntax
		}
		keyEnd, err := scanString(p, i)
		if err != nil {
			return 0, err
		}
		key := p[i:keyEnd]
		i = skipSpace(p, keyEnd)
		if i == len(p) || p[i] != ':' {
			return 0, errSyntax
		}
		i = skipSpace(p, i+1)
		end, err := scanValue(p, i, depth)
		if err != nil {
			return 0, err
		}
		if members != nil {
			members.set(key, p[i:end])
		}
		i = skipSpace(p, end)
		if i == len(p) {
			return 0, errSyntax
		}
		switch p[i] {
		case '}':
			return i + 1, nil
		case ',':
			i = skipSpace(p, i+1)
		default:
			return 0, errSyntax
		}
	}
}

func scanArray(p []byte, i, depth int) (int, error) {
	if depth > maxDepth {
		return 0, errDepth
	}
	i = skipSpace(p, i+1)
	if i < len(p) && p[i] == ']' {
		return i + 1, nil
	}
	for {
		end, err := scanValue(p, i, depth)
		if err != nil {
			return 0, err
		}
		i = skipSpace(p, end)
		if i == len(p) {
			return 0, errSyntax
		}
		switch p[i] {
		case ']':
			return i + 1, nil
		case ',':
			i = skipSpace(p, i+1)
		default:
			return 0, errSyntax
		}
	}
}

func scanString(p []byte, i int) (int, error) {
	for i++; i < len(p); i++ {
		switch c := p[i]; {
		case c == '"':
			return i + 1, nil
		case c < ' ':
			return 0, errSyntax
		case c == '\\':
			i++
			if i == len(p) {
				return 0, errSyntax
			}
			switch p[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if _, ok := hex4(p[i+1:]); !ok {
					return 0, errSyntax
				}
				i += 4
			default:
				return 0, errSyntax
			}
		}
	}
	return 0, errSyntax
}

func scanNumber(p []byte, i int) (int, error) {
	if p[i] == '-' {
		i++
	}
	start := i
	i = skipDigits(p, i)
	if i == start || (p[start] == '0' && i > start+1) {
		return 0, errSyntax
	}
	if i < len(p) && p[i] == '.' {
		start = i + 1
		if i = skipDigits(p, start); i == start {
			return 0, errSyntax
		}
	}
	if i < len(p) && (p[i] == 'e' || p[i] == 'E') {
		start = i + 1
		if start < len(p) && (p[start] == '+' || p[start] == '-') {
			start++
		}
		if i = skipDigits(p, start); i == start {
			return 0, errSyntax
		}
	}
	return i, nil
}

func scanLiteral(p []byte, i int, literal string) (int, error) {
	end := i + len(literal)
	if end > len(p) || string(p[i:end]) != literal {
		return 0, errSyntax
	}
	return end, nil
}

func skipSpace(p []byte, i int) int {
	for i < len(p) && (p[i] == ' ' || p[i] == '\n' || p[i] == '\r' || p[i] == '\t') {
		i++
	}
	return i
}

func skipDigits(p []byte, i int) int {
	for i < len(p) && isDigit(p[i]) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
