package ws_test

import (
	"fmt"
	"strings"
	"testing"
)

const ping = `{"type":"ping","id":1}`

func TestFramesInOneSegmentWithTheRequest(t *testing.T) {
	for way, setting := range ways {
		t.Run(way, func(t *testing.T) { framesWithTheRequest(t, start(t, setting)) })
	}
}

func framesWithTheRequest(t *testing.T, n *node) {
	for name, early := range map[string]string{
		"small":                   `{"type":"subscribe","id":1,"channel":"a"}`,
		"larger than all buffers": `{"type":"subscribe","id":1,"channel":"a"` + strings.Repeat(" ", 20_000) + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := n.rawDial("", masked(opText, early), masked(opText, ping)[:3])
			c.t = t
			c.expect(opText, "connected")
			c.expect(opText, "subscribed")
			c.write(masked(opText, ping)[3:])
			c.expect(opText, "pong")
		})
	}
}

func TestFragmentsWithControlFramesBetween(t *testing.T) {
	n := start(t)
	c := n.rawDial("")
	c.expect(opText, "connected")
	c.write(masked(0x01, `{"type":`))
	c.write(masked(opPing, "are you there?"))
	if got := c.expect(opPong, ""); string(got) != "are you there?" {
		t.Fatalf("pong %q", got)
	}
	c.write(masked(0x00, `"ping",`))
	c.write(masked(opPong, "unasked"))
	c.write(masked(0x80, `"id":77}`))
	if got := c.expect(opText, "pong"); !strings.Contains(string(got), "77") {
		t.Fatalf("%s", got)
	}
}

// What is no WebSocket frame ends the connection, and nothing follows the close frame.
func TestBrokenFramesClose(t *testing.T) {
	n := start(t)
	unmasked := append([]byte{opText, byte(len(ping))}, ping...)
	for name, bytes := range map[string][]byte{
		"unmasked":                unmasked,
		"reserved bit":            masked(0xc1, ping),
		"unknown opcode":          masked(0x83, ping),
		"unknown control":         masked(0x8b, ""),
		"continuation of nothing": masked(0x80, ping),
		"new message in another":  append(masked(0x01, "{"), masked(opText, ping)...),
		"long control frame":      masked(opPing, strings.Repeat("x", 126)),
		"control in fragments":    masked(0x09, "x"),
		"not WebSocket at all":    []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			c := n.rawDial("channel=a")
			c.t = t
			c.expect(opText, "connected")
			c.expect(opText, "subscribed")
			c.write(bytes)
			c.expect(opText, "closing")
			c.closed(4400)
		})
	}
}

func TestTextThatIsNoUTF8(t *testing.T) {
	n := start(t)
	c := n.rawDial("")
	c.expect(opText, "connected")
	for _, text := range []string{"{\"type\":\"ping\xff\"}", "\xff", "{\"type\":\"subscribe\",\"id\":1,\"channel\":\"\xed\xa0\x80\"}"} {
		c.write(masked(opText, text))
		if got := c.expect(opText, "error"); !strings.Contains(string(got), "invalid_argument") {
			t.Fatalf("%s", got)
		}
	}
	c.write(masked(opText, ping))
	c.expect(opText, "pong")
}

// A client's close is answered with its own code.
func TestClientCloses(t *testing.T) {
	n := start(t)
	c := n.rawDial("channel=a")
	c.expect(opText, "connected")
	c.expect(opText, "subscribed")
	c.write(masked(opClose, "\x03\xe8bye"))
	c.closed(1000)
}

// Clients that vanish in the middle of a frame leave nothing behind.
func TestClientsThatVanish(t *testing.T) {
	n := start(t)
	whole := masked(opText, `{"type":"subscribe","id":1,"channel":"a"}`)
	for i := range whole {
		c := n.rawDial(fmt.Sprintf("channel=a&subscriber=s%d", i), whole[:i])
		if i%2 == 0 {
			_ = tcp(c.conn).SetLinger(0)
		}
		_ = c.conn.Close()
	}
	eventually(t, func() bool { return n.ends(0) == len(whole) })
	n.publish("a", `1`)
	c := n.dial("subscriber=s3")
	c.expect("connected", nil)
	c.messages("a", 1, 1)
}
