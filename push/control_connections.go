package push

import (
	"time"

	"pushgate/push/wire"
)

// MaxPage is the greatest number of rows of one page of a listing.
const MaxPage = 1000

// ConnectionView is a connection as an operator sees it.
type ConnectionView struct {
	ID            string
	Subscriber    string
	Node          string
	Info          SessionInfo
	Connected     time.Time
	State         State
	Since         time.Time // when it came into that state
	Active        time.Time // when a frame passed last; zero: none has
	Subscriptions int
	// OutboxMessages and OutboxBytes are queued and not written yet.
	OutboxMessages, OutboxBytes int
	SentFrames, SentBytes       uint64 // handed to the transport
	ReceivedFrames              uint64 // of the client
	ReceivedBytes               uint64
	RoundTrip                   time.Duration // of the last ping; 0: not measured yet
	End                         End           // once it is closing or closed
}

func (s *Session) view() ConnectionView {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshot()
}

// snapshot is a view; the session's lock is held.
func (s *Session) snapshot() ConnectionView {
	v := ConnectionView{
		ID: s.id, Subscriber: s.subscriber, Node: s.hub.cfg.Node, Info: s.info, Connected: s.started,
		State: s.state, Since: time.Unix(0, s.since), Subscriptions: s.subscriptions.count(),
		OutboxMessages: s.out.length(), OutboxBytes: s.out.bytes + s.out.held,
		SentFrames: s.sent.frames, SentBytes: s.sent.bytes,
		ReceivedFrames: s.received.frames, ReceivedBytes: s.received.bytes,
		RoundTrip: time.Duration(s.roundTrip.Load()),
	}
	if s.active != 0 {
		v.Active = time.Unix(0, s.active)
	}
	if s.end != nil {
		v.End = *s.end
	}
	return v
}

// Connections is a page of this node's connections in the order of their ids,
// behind the id after; of one subscriber, unless that is empty.
func (e *Engine) Connections(after, subscriber string, limit int) []ConnectionView {
	page := e.hub.sessions.page(after, subscriber, limit)
	views := make([]ConnectionView, len(page))
	for i, s := range page {
		views[i] = s.view()
	}
	return views
}

// Connection finds a connection of this node. Of one that has ended not long ago
// the error says how.
func (e *Engine) Connection(id string) (ConnectionView, error) {
	if s := e.hub.sessions.find(id); s != nil {
		return s.view(), nil
	}
	if v, ok := e.hub.closed.find(id); ok {
		return ConnectionView{}, refused(wire.CodeNotFound, "connection %q ended at %s: %s", clip(id), v.Since.UTC().Format(time.RFC3339), v.End.Cause)
	}
	return ConnectionView{}, refused(wire.CodeNotFound, "there is no connection %q on this node", clip(id))
}

// ClosedConnections lists the connections of this node that ended last, the
// newest first; of one subscriber, unless that is empty. There are at most MaxPage.
func (e *Engine) ClosedConnections(subscriber string) []ConnectionView {
	return e.hub.closed.newest(subscriber)
}

// Disconnect ends connections of this node: the one with the id, or all of a
// subscriber's; the other argument is empty. It answers how many it ended.
func (e *Engine) Disconnect(id, subscriber string, end End) int {
	var targets []*Session
	if id != "" {
		if s := e.hub.sessions.find(id); s != nil {
			targets = append(targets, s)
		}
	} else {
		targets = e.hub.sessions.of(subscriber)
	}
	for _, s := range targets {
		s.End(end)
	}
	return len(targets)
}

// Sessions is the number of connections of this node.
func (e *Engine) Sessions() int { return e.hub.sessions.count() }

// EachSession calls f with every session of this node; the order is random.
func (e *Engine) EachSession(f func(*Session)) {
	for _, s := range e.hub.sessions.all() {
		f(s)
	}
}
