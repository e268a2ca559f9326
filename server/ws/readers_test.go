package ws_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

const maskedPing = 0x89

// Control frames are answered whatever comes with them, in one segment or byte by
// byte, between messages and in the middle of one.
func TestControlFrames(t *testing.T) {
	n := start(t)
	c := n.rawDial("")
	c.expect(opText, "connected")
	pong := func(want string) {
		t.Helper()
		if got := string(c.expect(opPong, "")); got != want {
			t.Fatalf("got pong %q, want %q", got, want)
		}
	}
	longest := strings.Repeat("x", 125)
	for _, payload := range []string{"", "a", longest} {
		c.write(masked(maskedPing, payload))
		pong(payload)
	}
	// Two, a message, and another, at once.
	c.write(bytes.Join([][]byte{masked(maskedPing, "1"), masked(maskedPing, longest), masked(opText, ping), masked(maskedPing, "2")}, nil))
	pong("1")
	pong(longest)
	either := func(payload string) { // an answer to a message takes the way through the outbox
		t.Helper()
		seen := map[string]bool{}
		for range 2 {
			op, got, err := c.read()
			if err != nil {
				t.Fatal(err)
			}
			seen[fmt.Sprintf("%#x %s", op, got)] = true
		}
		if !seen[fmt.Sprintf("%#x %s", opPong, payload)] || !seen[fmt.Sprintf("%#x %s", opText, `{"type":"pong","id":1}`)] {
			t.Fatalf("got %v", seen)
		}
	}
	either("2")
	for _, b := range bytes.Join([][]byte{masked(maskedPing, longest), masked(opPong, "nothing"), masked(opText, ping)}, nil) {
		c.write([]byte{b})
	}
	pong(longest)
	c.expect(opText, "pong")
	// In the middle of a message.
	c.write(masked(0x01, ping[:5]))
	c.write(masked(maskedPing, "within"))
	pong("within")
	c.write(masked(0x80, ping[5:]))
	c.expect(opText, "pong")
}

// What is wrong with a control frame ends the connection (RFC 6455 §5.1, §5.5).
func TestWrongControlFrames(t *testing.T) {
	n := start(t)
	for name, frame := range map[string][]byte{
		"too long":       masked(maskedPing, strings.Repeat("x", 126)),
		"not masked":     {0x89, 0x01, 'x'},
		"not final":      masked(0x09, "x"),
		"reserved bit":   masked(0xc9, "x"),
		"unknown opcode": masked(0x8b, "x"),
	} {
		t.Run(name, func(t *testing.T) {
			c := n.rawDial("")
			c.t = t
			c.expect(opText, "connected")
			c.write(frame)
			c.expect(opText, "closing")
			c.closed(4400)
		})
	}
}

// Frames that come together are worked on in their order, however many readers
// take turns.
func TestOrderOverReaders(t *testing.T) {
	n := start(t)
	c := n.rawDial("")
	c.expect(opText, "connected")
	for round := range 200 {
		var together []byte
		for i := range 1 + round%5 {
			together = append(together, masked(opText, fmt.Sprintf(`{"type":"ping","id":%d}`, round*10+i))...)
		}
		c.write(together)
		for i := range 1 + round%5 {
			if got, want := string(c.expect(opText, "pong")), fmt.Sprintf(`"id":%d}`, round*10+i); !strings.HasSuffix(got, want) {
				t.Fatalf("got %s, want %s", got, want)
			}
		}
	}
}
