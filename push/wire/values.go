package wire

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

var (
	errType   = errors.New(`field "type" must be a string`)
	errID     = errors.New(`field "id" must be a number of at most 32 characters`)
	errSeq    = errors.New(`field "seq" must be a whole number from 0 to 9007199254740991`)
	errWindow = errors.New(`field "window" must be a whole number from 1 to 4096`)
	errFrom   = errors.New(
		`field "from" must be "cursor", "new", "earliest" or a whole number from 0 to 9007199254740991`)
)

func errMissing(field string) error { return fmt.Errorf("field %q is missing", field) }

func readChannel(value []byte) (string, error) {
	return readRequired(value, "channel", MaxChannel)
}

// readRequired reads a string of 1 to limit bytes that must be there.
func readRequired(value []byte, field string, limit int) (string, error) {
	if absent(value) {
		return "", errMissing(field)
	}
	text, ok := readString(value)
	if !ok || text == "" || len(text) > limit {
		return "", fmt.Errorf("field %q must be a string of 1 to %d bytes", field, limit)
	}
	return text, nil
}

// readOptional reads a string of at most limit bytes that need not be there.
func readOptional(value []byte, field string, limit int) (string, error) {
	if absent(value) {
		return "", nil
	}
	text, ok := readString(value)
	if !ok || len(text) > limit {
		return "", fmt.Errorf("field %q must be a string of at most %d bytes", field, limit)
	}
	return text, nil
}

func readString(value []byte) (text string, ok bool) {
	if value[0] != '"' {
		return "", false
	}
	inner := value[1 : len(value)-1]
	if bytes.IndexByte(inner, '\\') >= 0 {
		return string(appendUnescaped(make([]byte, 0, len(inner)), inner)), true
	}
	return string(inner), true
}

// readBool takes a field that is absent for false.
func readBool(value []byte, field string) (bool, error) {
	switch {
	case absent(value), string(value) == "false":
		return false, nil
	case string(value) == "true":
		return true, nil
	default:
		return false, fmt.Errorf("field %q must be true or false", field)
	}
}

func readFrom(value []byte) (From, error) {
	if absent(value) {
		return From{}, nil
	}
	if seq, ok := readWhole(value, MaxSeq); ok {
		return From{Mode: FromSeq, Seq: seq}, nil
	}
	text, _ := readString(value)
	switch text {
	case "cursor":
		return From{Mode: FromCursor}, nil
	case "new":
		return From{Mode: FromNew}, nil
	case "earliest":
		return From{Mode: FromEarliest}, nil
	default:
		return From{}, errFrom
	}
}

// readWindow takes 0, like a field that is absent, for the default.
func readWindow(value []byte) (int, error) {
	if absent(value) {
		return 0, nil
	}
	window, ok := readWhole(value, MaxWindow)
	if !ok {
		return 0, errWindow
	}
	return int(window), nil
}

// readWhole reads a number from 0 to limit that is written with digits only.
func readWhole(value []byte, limit uint64) (uint64, bool) {
	if !isDigit(value[0]) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(value), 10, 64)
	if err != nil || n > limit {
		return 0, false
	}
	return n, true
}

func absent(value []byte) bool { return value == nil || string(value) == "null" }
