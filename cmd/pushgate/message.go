package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"pushgate/cmd/pushgate/follow"
)

// printMessage writes a message in one line.
func printMessage(out io.Writer, m follow.Message, asJSON bool) error {
	if asJSON {
		_, err := fmt.Fprintf(out, "%s\n", m.Frame)
		return err
	}
	seq := "-"
	if m.Seq > 0 {
		seq = strconv.FormatUint(m.Seq, 10)
	}
	_, err := fmt.Fprintln(out, printable(m.Channel), seq, payload(m))
	return err
}

// payload is a message's data in one line, which cannot steer the terminal.
func payload(m follow.Message) string {
	var text string
	switch {
	case m.Data == nil:
		return m.Data64
	case m.ContentType != "" && json.Unmarshal(m.Data, &text) == nil:
		return printable(text)
	}
	var line bytes.Buffer
	if json.Compact(&line, m.Data) != nil {
		return printable(string(m.Data))
	}
	return printable(line.String())
}

// printable quotes text with characters that are not seen, or that change how others are.
func printable(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}
