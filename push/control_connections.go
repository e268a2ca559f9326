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
	Closing       bool
	Subscriptions int
	OutboxBytes   int    // queued and not handed to the transport yet
	Frames, Bytes uint64 // handed to the transport
}

func (s *Session) view() ConnectionView {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ConnectionView{
		ID: s.id, Subscriber: s.subscriber, Node: s.hub.cfg.Node, Info: s.info, Connected: s.started,
		Closing: s.over(), Subscriptions: len(s.subscriptions), OutboxBytes: s.out.bytes,
		Frames: s.messages, Bytes: s.bytes,
	}
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

// Connection finds a connection of this node.
func (e *Engine) Connection(id string) (ConnectionView, error) {
	s := e.hub.sessions.find(id)
	if s == nil {
		return ConnectionView{}, refused(wire.CodeNotFound, "there is no connection %q on this node", clip(id))
	}
	return s.view(), nil
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
