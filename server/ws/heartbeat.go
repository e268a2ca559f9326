package ws

import (
	"context"
	"math/rand/v2"
	"time"

	"pushgate/push"
	"pushgate/push/wire"
)

// heartbeat is what the server knows of one connection's life. Only the goroutine
// of Server.heartbeats uses it, but for conn.heard.
type heartbeat struct {
	due    time.Time // of the next ping
	pinged time.Time // when the last ping went out; zero when it was answered
}

// heartbeats pings every connection (RFC 6455 §5.5.2) and ends those that are not
// heard from. One goroutine walks over all of them, ten times in the shorter of
// the two periods.
func (s *Server) heartbeats(ctx context.Context) {
	tick := time.NewTicker(max(min(s.options.HeartbeatInterval, s.options.PongTimeout)/10, time.Millisecond))
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

// beat pings a connection when it is time to. Any frame counts as an answer.
func (s *Server) beat(c *conn, now time.Time) {
	h := &c.heartbeat
	if c.heard.Load() == 0 {
		return // not upgraded yet
	}
	if !h.pinged.IsZero() {
		switch {
		case c.heard.Load() >= h.pinged.UnixNano():
			h.pinged = time.Time{}
		case now.Sub(h.pinged) >= s.options.PongTimeout:
			c.session.End(push.End{Code: wire.CloseGoingAway, Reason: "pong timeout", Reconnect: true})
			return
		}
	}
	switch {
	case h.due.IsZero():
		// The first ping comes early by chance, so that connections that began
		// together do not beat together.
		h.due = now.Add(s.options.HeartbeatInterval/2 + rand.N(s.options.HeartbeatInterval/2+1))
	case h.pinged.IsZero() && !now.Before(h.due):
		h.due, h.pinged = now.Add(s.options.HeartbeatInterval), now
		_, _ = c.Write(ping)
	}
}

var ping = wire.PingFrame(nil)

// open lists the connections.
func (s *Server) open(buf []*conn) []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		buf = append(buf, c)
	}
	return buf
}
