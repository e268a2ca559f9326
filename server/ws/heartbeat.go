package ws

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"pushgate/push"
	"pushgate/push/wire"
)

// heartbeat is what the server knows of one connection's life. Only the goroutine
// of Server.heartbeats uses it, but for conn.heard.
type heartbeat struct {
	due      int64  // of the next ping, in Unix nanoseconds; 0: before the first look
	patience int64  // when the last ping should be answered; 0: it is
	acked    uint64 // bytes that the peer's system had acknowledged at the last look
}

// frameTime is how long a client may take to send one frame.
const frameTime = 30 * time.Second

// endGrace is how long what is queued may take to go out before a closing frame.
const endGrace = 15 * time.Second

// walkInterval is how often connections are looked at at least: tokens expire.
const walkInterval = time.Second

// heartbeats pings every connection (RFC 6455 §5.5.2) and ends those that are not
// heard from. One goroutine walks over all of them, ten times in the shorter of
// the two periods.
func (s *Server) heartbeats(ctx context.Context) {
	tick := time.NewTicker(min(max(min(s.options.HeartbeatInterval, s.options.PongTimeout)/10, time.Millisecond), walkInterval))
	defer tick.Stop()
	var open []*conn
	for {
		select {
		case now := <-tick.C:
			open = s.open(open[:0])
			for _, c := range open {
				s.beat(c, now)
			}
			clear(open)
		case <-ctx.Done():
			return
		}
	}
}

// beat pings a connection when it is time to. Any frame counts as an answer. Most
// of the time it finds nothing to do, and then it takes no lock.
func (s *Server) beat(c *conn, now time.Time) {
	h := &c.heartbeat
	if c.heard.Load() == 0 {
		return // not upgraded yet
	}
	if ending := c.session.Ending(); ending != 0 {
		if now.UnixNano()-ending >= int64(endGrace) {
			c.cut()
		}
		return
	}
	c.session.Walk(now)
	if begun := c.begun.Load(); begun != 0 && now.UnixNano()-begun >= int64(frameTime) {
		c.session.End(push.End{Cause: push.CauseProtocol, Code: wire.CloseProtocol, Reason: "frame too slow"})
		return
	}
	if h.patience != 0 {
		switch {
		case c.heard.Load() >= c.pinged.Load() || c.busy.Load() || c.stuck():
			h.patience = 0
		case now.UnixNano() < h.patience || s.progresses(c, now):
		default:
			c.session.End(push.GoAway(push.CausePongTimeout, wire.CloseGoingAway, "pong timeout"))
			return
		}
	}
	switch {
	case h.due == 0:
		// The first ping comes early by chance, so that connections that began
		// together do not beat together.
		h.due = now.Add(s.options.HeartbeatInterval/2 + rand.N(s.options.HeartbeatInterval/2+1)).UnixNano()
	case h.patience == 0 && now.UnixNano() >= h.due:
		h.due = now.Add(s.options.HeartbeatInterval).UnixNano()
		h.patience = now.Add(s.options.PongTimeout).UnixNano()
		h.acked, _ = c.direct.acked()
		c.pinged.Store(now.UnixNano())
		_, _ = c.Write(wire.PingFrame(binary.BigEndian.AppendUint64(nil, uint64(now.UnixNano()))))
	}
}

// progresses gives a client more time while what lies before the ping, in the
// buffer of its socket, is still on its way: slow is not silent.
func (s *Server) progresses(c *conn, now time.Time) bool {
	acked, more := c.direct.acked()
	if !more || acked <= c.heartbeat.acked {
		return false
	}
	c.heartbeat.acked, c.heartbeat.patience = acked, now.Add(s.options.PongTimeout).UnixNano()
	return true
}

// pong measures the way to the client and back, if it answers the last ping.
func (c *conn) pong(payload []byte) {
	if len(payload) != 8 {
		return
	}
	at := int64(binary.BigEndian.Uint64(payload))
	if at != 0 && at == c.pinged.Load() {
		c.session.Measured(time.Duration(time.Now().UnixNano() - at))
	}
}

// open lists the connections.
func (s *Server) open(buf []*conn) []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		buf = append(buf, c)
	}
	return buf
}
