package ws_test

import (
	"context"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func beats(interval, timeout time.Duration) setting {
	return func(s *setup) { s.options.HeartbeatInterval, s.options.PongTimeout = interval, timeout }
}

func TestSilentClientIsClosed(t *testing.T) {
	n := start(t, beats(20*time.Millisecond, 20*time.Millisecond))
	c := n.rawDial("")
	c.expect(opText, "connected")
	c.expect(opPing, "")
	if f := string(c.expect(opText, "closing")); !strings.Contains(f, `"code":1001,"reason":"pong timeout","reconnect":true`) {
		t.Error(f)
	}
	if code := binary.BigEndian.Uint16(c.expect(opClose, "")); code != 1001 {
		t.Errorf("closed with %d", code)
	}
}

func TestAnsweringClientStays(t *testing.T) {
	n := start(t, beats(10*time.Millisecond, patience))
	pings := make(chan struct{}, 100)
	socket, _, err := websocket.Dial(t.Context(), n.url(), &websocket.DialOptions{HTTPClient: n.client(),
		OnPingReceived: func(context.Context, []byte) bool {
			pings <- struct{}{}
			return true
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.CloseNow() }()
	go func() {
		for {
			if _, _, err := socket.Read(context.Background()); err != nil {
				close(pings)
				return
			}
		}
	}()
	// A ping goes out only when the one before it was answered.
	for range 5 {
		if _, open := <-pings; !open {
			t.Fatal("closed")
		}
	}
}

func TestTrafficCountsAsLife(t *testing.T) {
	n := start(t, beats(10*time.Millisecond, patience))
	c := n.rawDial("")
	c.expect(opText, "connected")
	c.expect(opPing, "")
	for range 3 {
		// No pong: the next ping comes all the same, before or after the answer.
		c.write(masked(opText, `{"type":"ping"}`))
		seen := map[byte]bool{}
		for range 2 {
			first, payload, err := c.read()
			if err != nil || seen[first] {
				t.Fatalf("read %#x %q, %v", first, payload, err)
			}
			seen[first] = true
		}
		if !seen[opText] || !seen[opPing] {
			t.Fatalf("read %v", seen)
		}
	}
}

// A client that does not answer is not closed while it takes what lies before the
// ping, however slowly.
func TestSlowIsNotSilent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("only Linux tells what the peer has acknowledged")
		return
	}
	n := start(t, beats(time.Second, 2*time.Second), func(s *setup) { s.sendBuffer = 2 << 20 })
	c := n.rawDial("channel=a")
	c.expect(opText, "connected")
	c.expect(opText, "subscribed")
	const messages = 50
	for range messages {
		n.publish("a", payload)
	}
	pinged := false
	for seen := 0; seen < messages; {
		op, frame, err := c.read()
		if err != nil {
			t.Fatal(err)
		}
		switch op {
		case opPing:
			pinged = true
		case opText:
			seen++
			if !strings.Contains(string(frame), `"type":"message"`) || n.engine.Sessions() != 1 || n.ends(1001) != 0 {
				t.Fatalf("closed at message %d: %.100s", seen, frame)
			}
		}
		time.Sleep(100 * time.Millisecond) // it takes longer in all than a client may be silent
	}
	for !pinged {
		op, _, err := c.read()
		if err != nil {
			t.Fatal(err)
		}
		pinged = op == opPing
	}
	// With all of it taken, silence is silence.
	for {
		if op, _, err := c.read(); err != nil || op == opClose {
			break
		}
	}
	eventually(t, func() bool { return n.ends(1001) == 1 })
}
