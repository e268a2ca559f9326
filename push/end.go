package push

import (
	"math/rand/v2"
	"strconv"
	"time"

	"pushgate/push/wire"
)

// Cause is why a connection ended, in one of a few words: a label of metrics.
// What the client is told stands beside it in End.
type Cause string

// The causes of an end.
const (
	CauseClient      Cause = "client"       // the client said that it closes
	CauseLost        Cause = "lost"         // the client, or the network, went without a word
	CausePongTimeout Cause = "pong_timeout" // nothing was heard from it after a ping
	CauseSlow        Cause = "slow"         // it took nothing for too long
	CauseRate        Cause = "rate"         // it sent more than its rate for too long
	CauseProtocol    Cause = "protocol"     // its frames were wrong or too big
	CauseOperator    Cause = "operator"     // an operator disconnected it
	CauseDrain       Cause = "drain"        // the node ends
	CauseAuth        Cause = "auth"         // its client did not authenticate itself, or not any more
	CauseStore       Cause = "store"        // what waits for the client could not be read
)

// End is why and how a session ends.
type End struct {
	Cause     Cause
	Code      wire.CloseCode // 0: the client was not told
	Reason    string
	Reconnect bool
	// RetryAfter is when the client should come back, if it should.
	RetryAfter time.Duration
}

// GoAway is an end after which the client should come back, at a time that
// spreads those who are sent away together.
func GoAway(cause Cause, code wire.CloseCode, reason string) End {
	return End{Cause: cause, Code: code, Reason: reason, Reconnect: true, RetryAfter: RetryJitter()}
}

// RetryJitter is when a client that is sent away should come back: 1 to 5 s.
func RetryJitter() time.Duration { return time.Second + rand.N(4*time.Second) }

// Draining is the end of a connection to a node that stops.
func Draining() End { return GoAway(CauseDrain, wire.CloseGoingAway, "draining") }

// End asks for the session's end: the client gets what is queued, then a
// closing frame; nothing is accepted any more. Only the first call counts.
func (s *Session) End(end End) {
	s.mu.Lock()
	if s.over() {
		s.mu.Unlock()
		return
	}
	s.push(wire.Encode(wire.Closing{
		Code: end.Code, Reason: end.Reason, Reconnect: end.Reconnect, RetryAfter: end.RetryAfter,
	}))
	s.end = &end
	s.become(Closing)
	s.ending.Store(s.since)
	s.mu.Unlock()
	s.leaveAll()
}

// Ending says since when the session is closing, in Unix nanoseconds; 0 while
// nobody has asked for its end. It takes no lock.
func (s *Session) Ending() int64 { return s.ending.Load() }

// abandon ends a session that has not begun.
func (s *Session) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.become(Closed)
}

// Detach ends the session at once and releases everything that it holds; the
// transport calls it when the connection is gone, with the cause if nobody has
// asked for its end. Twice is safe.
func (s *Session) Detach(cause Cause) {
	s.mu.Lock()
	if !s.become(Closed) {
		s.mu.Unlock()
		return
	}
	if s.end == nil {
		s.end = &End{Cause: cause}
	}
	end := *s.end
	s.out = outbox{reported: s.out.reported}
	s.hub.outboxes.follow(&s.out)
	s.stalled = nil
	if s.drained != nil {
		close(s.drained)
		s.drained = nil
	}
	last := s.snapshot()
	s.mu.Unlock()
	s.leaveAll()
	s.hub.sessions.remove(s)
	s.hub.closed.add(last)
	s.hub.metrics.connections.Dec()
	s.hub.metrics.ends.WithLabelValues(strconv.Itoa(int(end.Code)), string(end.Cause)).Inc()
}
