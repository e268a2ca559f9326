package config

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Mode is what a file's permissions are, written in octal digits as 0660.
type Mode fs.FileMode

// UnmarshalText reads a mode.
func (m *Mode) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(strings.TrimPrefix(string(text), "0o"), 8, 32)
	if err != nil || n > uint64(fs.ModePerm) {
		return fmt.Errorf("%q are no permissions; write octal digits, as 0660", text)
	}
	*m = Mode(n)
	return nil
}

// String writes the mode as it is read.
func (m Mode) String() string { return fmt.Sprintf("0%03o", uint32(m)) }
