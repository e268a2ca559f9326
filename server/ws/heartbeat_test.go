package ws_test

import (
	"context"
	"encoding/binary"
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
	socket, _, err := websocket.Dial(t.Context(), strings.Replace(n.http.URL, "http", "ws", 1)+"/ws", &websocket.DialOptions{
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
