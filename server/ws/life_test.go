package ws_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"pushgate/push"
)

// only answers the one connection of a node.
func (n *node) only() push.ConnectionView {
	n.t.Helper()
	all := n.engine.Connections("", "", 2)
	if len(all) != 1 {
		n.t.Fatalf("%d connections", len(all))
	}
	return all[0]
}

func (n *node) wantState(want push.State) push.ConnectionView {
	n.t.Helper()
	v := n.only()
	if v.State != want {
		n.t.Fatalf("it is %s, not %s", v.State, want)
	}
	return v
}

func TestLifeOfAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		n := start(t, func(s *setup) {
			s.listener = l
			s.SweepInterval, s.RetentionInterval = time.Hour, time.Hour
		})
		began := time.Now()
		c := rawOver(t, l.dial(), "channel=a&subscriber=ada")
		c.expect(opText, "connected")
		c.expect(opText, "subscribed")
		synctest.Wait()
		v := n.wantState(push.Connected)
		if !v.Since.Equal(began) || v.SentFrames != 2 || v.ReceivedFrames != 0 || v.Subscriptions != 1 {
			t.Errorf("connected: %+v", v)
		}

		time.Sleep(5 * time.Second)
		request := `{"type":"ping"}`
		c.write(masked(opText, request))
		c.expect(opText, "pong")
		synctest.Wait()
		v = n.wantState(push.Active)
		if !v.Active.Equal(time.Now()) || v.ReceivedFrames != 1 || v.ReceivedBytes != uint64(len(request)) || v.SentFrames != 3 {
			t.Errorf("active: %+v", v)
		}

		// Heartbeats are no traffic.
		go func() {
			for {
				op, payload, err := c.read()
				if err != nil {
					return
				}
				if op == opPing {
					c.write(masked(opPong, string(payload)))
				}
			}
		}()
		time.Sleep(35 * time.Second)
		synctest.Wait()
		v = n.wantState(push.Idle)
		if quiet := v.Since.Sub(v.Active); quiet < 30*time.Second || quiet > 34*time.Second {
			t.Errorf("idle after %s", quiet)
		}

		n.publish("a", `1`)
		synctest.Wait()
		n.wantState(push.Active)

		// A pipe with nobody to read keeps the closing frame under way.
		n.engine.Disconnect(v.ID, "", push.End{Cause: push.CauseOperator, Code: 4403, Reason: "enough"})
		synctest.Wait()
		_ = c.conn.Close()
		synctest.Wait()
		if n.engine.Sessions() != 0 {
			t.Fatal("it is still there")
		}
		ended := n.engine.ClosedConnections("ada")
		if len(ended) != 1 || ended[0].State != push.Closed || ended[0].ID != v.ID || ended[0].End.Reason != "enough" ||
			ended[0].End.Cause != push.CauseOperator || ended[0].End.Code != 4403 {
			t.Errorf("ended %+v", ended)
		}
		if len(n.engine.ClosedConnections("bob")) != 0 {
			t.Error("another subscriber's is listed")
		}
	})
}

func TestCausesOfEnds(t *testing.T) {
	n := start(t, func(s *setup) { s.MaxFrame, s.options.MaxFrame = 100, 100 })
	for subscriber, end := range map[push.Cause]func(*rawClient){
		push.CauseClient:   func(c *rawClient) { c.write(masked(opClose, "\x03\xe8")) },
		push.CauseLost:     func(c *rawClient) { _ = c.conn.Close() },
		push.CauseProtocol: func(c *rawClient) { c.write(masked(opText, string(make([]byte, 101)))); c.closed(1009) },
	} {
		c := n.rawDial("subscriber=" + string(subscriber))
		c.expect(opText, "connected")
		end(c)
	}
	for _, cause := range []push.Cause{push.CauseClient, push.CauseLost, push.CauseProtocol} {
		var ended []push.ConnectionView
		eventually(t, func() bool {
			ended = n.engine.ClosedConnections(string(cause))
			return len(ended) == 1
		})
		if ended[0].End.Cause != cause {
			t.Errorf("%s: ended as %+v", cause, ended[0].End)
		}
	}
}

// Only so many of those that have ended are remembered, the last of them.
func TestClosedConnectionsAreBounded(t *testing.T) {
	n := start(t)
	var last string
	for range push.MaxPage + 10 {
		session, err := n.engine.Connect(t.Context(), push.Connection{Wake: func() {}})
		if err != nil {
			t.Fatal(err)
		}
		session.Detach(push.CauseLost)
		last = session.ID()
	}
	ended := n.engine.ClosedConnections("")
	if len(ended) != push.MaxPage || ended[0].ID != last {
		t.Errorf("%d are remembered", len(ended))
	}
}

func TestRoundTripTime(t *testing.T) {
	n := start(t, beats(10*time.Millisecond, patience))
	c := n.dial("")
	go func() {
		for {
			if _, _, err := c.socket.Read(t.Context()); err != nil {
				return
			}
		}
	}()
	eventually(t, func() bool { return n.only().RoundTrip > 0 })
	if v := n.only(); v.RoundTrip > patience {
		t.Errorf("%s", v.RoundTrip)
	}
	_ = c.socket.Close(websocket.StatusNormalClosure, "")
}

// Pongs that answer nothing measure nothing.
func TestUnsolicitedPongs(t *testing.T) {
	n := start(t)
	c := n.rawDial("")
	c.expect(opText, "connected")
	for _, payload := range []string{"", "12345678", "\x00\x00\x00\x00\x00\x00\x00\x00", "long enough to be nothing"} {
		c.write(masked(opPong, payload))
	}
	c.write(masked(opText, `{"type":"ping"}`))
	c.expect(opText, "pong")
	if got := n.only().RoundTrip; got != 0 {
		t.Errorf("measured %s", got)
	}
}
