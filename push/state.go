package push

import (
	"slices"
	"sync/atomic"
	"time"
)

// State is where a connection is in its life:
//
//	handshaking ─▶ connected ─▶ active ⇄ idle
//	     │             │           │      │
//	     └─────────────┴───────────┴──────┴─▶ closing ─▶ closed
//
// A connection whose peer is gone goes to closed from wherever it is.
type State uint8

// The states.
const (
	Handshaking State = iota // the session exists, the transport is not ready yet
	Connected                // ready, and nothing was said since the greeting
	Active                   // a client's frame or a message passed within Config.IdleAfter
	Idle                     // nothing did; what is not needed for waiting was given back
	Closing                  // the closing frame is queued or on its way; nothing is accepted
	Closed                   // the connection is gone and everything is released

	stateCount
)

var stateNames = [stateCount]string{"handshaking", "connected", "active", "idle", "closing", "closed"}

func (s State) String() string { return stateNames[s] }

// successors are the transitions that there are.
var successors = [stateCount][]State{
	Handshaking: {Connected, Closing, Closed},
	Connected:   {Active, Idle, Closing, Closed},
	Active:      {Idle, Closing, Closed},
	Idle:        {Active, Closing, Closed},
	Closing:     {Closed},
}

// become is the one place where a session's state changes. It says false, and
// changes nothing, where the picture above has no arrow. The session's lock is held.
func (s *Session) become(next State) bool {
	if !slices.Contains(successors[s.state], next) {
		return false
	}
	s.hub.population.moved(s.state, next)
	s.state, s.since = next, time.Now().UnixNano()
	return true
}

// population counts the connections in each state, and the transitions into each.
type population struct {
	now, entered [stateCount]atomic.Int64
}

func (p *population) born() {
	p.now[Handshaking].Add(1)
	p.entered[Handshaking].Add(1)
}

func (p *population) moved(from, to State) {
	p.now[from].Add(-1)
	p.now[to].Add(1)
	p.entered[to].Add(1)
}
