package ws_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pushgate/push"
)

// Data, answers, pings, pongs and the close frame of one connection come from
// different goroutines, over fast, slow and tiny windows. Every frame is whole, what
// has an order keeps it, and nothing follows the close frame.
func TestFramesDoNotInterleave(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			interleave(t, start(t, way, beats(20*time.Millisecond, patience), func(s *setup) { s.sendBuffer = 8 << 10 }))
		})
	}
}

func interleave(t *testing.T, n *node) {
	const messages = 200
	var reading sync.WaitGroup
	closed := make(chan int, 100)
	for i := range 12 {
		var c *rawClient
		if i < 6 {
			c = n.rawDial("channel=live:a") // with a small window
		} else {
			c = rawOver(t, n.over(n.wide()), "channel=live:a")
		}
		c.expect(opText, "connected")
		c.expect(opText, "subscribed")
		pause := []time.Duration{0, 200 * time.Microsecond, 2 * time.Millisecond}[i%3]
		asked := make(chan int, messages)
		reading.Go(func() {
			defer close(asked)
			closed <- c.follow(pause, asked)
		})
		go func() { // asks as fast as it is answered
			for k := range asked {
				frame := append(masked(opPing, fmt.Sprint(k)), masked(opText, fmt.Sprintf(`{"type":"ping","id":%d}`, k))...)
				if _, err := c.conn.Write(frame); err != nil {
					return
				}
			}
		}()
	}
	for i := range messages {
		data := fmt.Sprintf(`{"n":%d,"pad":"%s"}`, i, strings.Repeat("x", i%7*150))
		if _, err := n.engine.Publish(t.Context(), push.Publication{Channel: "live:a", Data: []byte(data), Ephemeral: true}); err != nil {
			t.Fatal(err)
		}
	}
	n.engine.EachSession(func(s *push.Session) { s.End(push.Draining()) })
	reading.Wait()
	for range 12 {
		if code := <-closed; code != 1001 {
			t.Errorf("closed with %d", code)
		}
	}
}

// follow reads frames until the close frame, which it answers, and then the end. It
// asks for the first answers, and for the next with each that has come.
func (c *rawClient) follow(pause time.Duration, asked chan<- int) (code int) {
	newest, pongs, answers := -1, 0, 0
	asked <- 0
	for {
		time.Sleep(pause)
		op, payload, err := c.read()
		if err != nil {
			c.t.Errorf("no close frame: %v", err)
			return 0
		}
		switch op {
		case opText:
			switch {
			case strings.HasPrefix(string(payload), `{"type":"message"`):
				var k int
				if _, err := fmt.Sscanf(string(payload[strings.Index(string(payload), `{"n":`):]), `{"n":%d`, &k); err != nil || k <= newest || payload[len(payload)-1] != '}' {
					c.t.Errorf("after message %d came %.100q, %v", newest, payload, err)
				}
				newest = k
			case strings.HasPrefix(string(payload), `{"type":"pong"`):
				if want := fmt.Sprintf(`{"type":"pong","id":%d}`, answers); string(payload) != want {
					c.t.Errorf("got %s, want %s", payload, want)
				}
				answers++
				select {
				case asked <- answers:
				default:
				}
			case strings.HasPrefix(string(payload), `{"type":"gap"`), strings.HasPrefix(string(payload), `{"type":"closing"`):
			default:
				c.t.Errorf("unexpected %.100q", payload)
			}
		case opPong: // some may be left out behind a stalled write (RFC 6455 §5.5.3)
			var k int
			if _, err := fmt.Sscan(string(payload), &k); err != nil || k < pongs {
				c.t.Errorf("pong %q after %d", payload, pongs)
			}
			pongs = k
		case opPing:
			if _, err := c.conn.Write(masked(opPong, string(payload))); err != nil {
				c.t.Error(err)
			}
		case opClose:
			_, _ = c.conn.Write(masked(opClose, string(payload[:2])))
			if op, payload, err := c.read(); err == nil {
				c.t.Errorf("after the close frame came %#x %.100q", op, payload)
			}
			return int(payload[0])<<8 | int(payload[1])
		default:
			c.t.Errorf("a frame that begins with %#x", op)
		}
	}
}
