package ws_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pushgate/push"
)

// A client that sends too fast is read more slowly, and closed when it goes on.
func TestClientAboveItsRate(t *testing.T) {
	for name, limit := range map[string]setting{
		"frames": func(s *setup) { s.ClientFrames = 10 },
		"bytes":  func(s *setup) { s.ClientBytes = 10 * len(ping) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newPipes()
				start(t, limit, func(s *setup) {
					s.listener, s.ClientPatience, s.options.HeartbeatInterval = l, 20*time.Second, time.Hour
					s.SweepInterval, s.RetentionInterval = time.Hour, time.Hour
				})
				c := rawOver(t, l.dial(), "")
				c.expect(opText, "connected")
				began := time.Now()
				beat := func(count int) {
					for range count {
						c.write(masked(opText, ping))
						c.expect(opText, "pong")
					}
				}
				beat(10)
				if took := time.Since(began); took > time.Millisecond {
					t.Errorf("a second's worth took %s", took)
				}
				beat(50)
				if took := time.Since(began); took < 4900*time.Millisecond || took > 5100*time.Millisecond {
					t.Errorf("60 at 10 a second took %s", took)
				}
				// After a pause it begins anew.
				time.Sleep(time.Minute)
				began = time.Now()
				if err := c.conn.SetWriteDeadline(time.Time{}); err != nil {
					t.Fatal(err)
				}
				go func() {
					for {
						if _, err := c.conn.Write(masked(opText, ping)); err != nil {
							return
						}
					}
				}()
				for {
					op, payload, err := c.read()
					if err != nil {
						t.Fatal(err)
					}
					if op == opText && strings.Contains(string(payload), "closing") {
						if !strings.Contains(string(payload), `"code":4429,"reason":"rate limit","reconnect":true`) {
							t.Errorf("%s", payload)
						}
						break
					}
				}
				c.closed(4429)
				if took := time.Since(began); took < 20*time.Second || took > 30*time.Second {
					t.Errorf("closed after %s", took)
				}
			})
		})
	}
}

// Who is not read from because it does not read is not taken for dead.
func TestSlowReaderIsNotSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		n := start(t, narrow, func(s *setup) {
			s.listener, s.sendBuffer = l, 0
			s.SweepInterval, s.RetentionInterval = time.Hour, time.Hour
			s.options.HeartbeatInterval, s.options.PongTimeout = 5*time.Second, 2*time.Second
		})
		c := rawOver(t, l.dial(), "subscriber=ada&channel=a")
		c.expect(opText, "connected")
		c.expect(opText, "subscribed")
		for range 50 {
			n.publish("a", payload)
		}
		// With the outbox full this waits in the server, and so does every pong.
		c.write(masked(opText, ping))
		if err := c.conn.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			time.Sleep(8 * time.Second)
			if _, err := c.conn.Read(make([]byte, 10)); err != nil {
				t.Fatal(err)
			}
		}
		if n.engine.Sessions() != 1 {
			t.Error("it was closed")
		}
	})
}

// A client that is sent away and takes little now and then is cut off.
func TestTricklingClientIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		n := start(t, narrow, func(s *setup) {
			s.listener, s.sendBuffer = l, 0
			s.SweepInterval, s.RetentionInterval = time.Hour, time.Hour
		})
		c := rawOver(t, l.dial(), "subscriber=ada&channel=a")
		c.expect(opText, "connected")
		c.expect(opText, "subscribed")
		for range 50 {
			n.publish("a", payload)
		}
		if n.engine.Disconnect("", "ada", push.Draining()) != 1 {
			t.Fatal("not found")
		}
		if err := c.conn.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			time.Sleep(4 * time.Second)
			if _, err := c.conn.Read(make([]byte, 10)); err != nil {
				break
			}
		}
		synctest.Wait()
		if n.engine.Sessions() != 0 {
			t.Error("it is still there")
		}
	})
}

// A frame that comes a byte a second harms nobody, and is not waited for for ever.
func TestFrameByTheByte(t *testing.T) {
	t.Run("plain", func(t *testing.T) { frameByTheByte(t, opText) })
	t.Run("compressed", func(t *testing.T) { frameByTheByte(t, opDeflated) })
}

func frameByTheByte(t *testing.T, first byte) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		n := start(t, compression, func(s *setup) {
			s.listener, s.options.HeartbeatInterval = l, time.Hour
			s.SweepInterval, s.RetentionInterval = time.Hour, time.Hour
		})
		slow, _ := rawUpgrade(t, l.dial(), "", extensions+": "+offer+"\r\n")
		other := rawOver(t, l.dial(), "channel=a")
		slow.expect(opText, "connected")
		other.expect(opText, "connected")
		other.expect(opText, "subscribed")
		began := time.Now()
		go func() {
			for _, b := range masked(first, ping+strings.Repeat(" ", 100)) {
				if _, err := slow.conn.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		for range 20 {
			time.Sleep(time.Second)
			n.publish("a", `1`)
			other.expect(opText, "message")
		}
		for {
			op, frame, err := slow.read()
			if err != nil {
				t.Fatal(err)
			}
			if op == opText {
				if !strings.Contains(string(frame), `"code":4400,"reason":"frame too slow","reconnect":false`) {
					t.Errorf("%s", frame)
				}
				break
			}
		}
		slow.closed(4400)
		if took := time.Since(began); took < frameSeconds*time.Second || took > 2*frameSeconds*time.Second {
			t.Errorf("closed after %s", took)
		}
	})
}

const frameSeconds = 30
