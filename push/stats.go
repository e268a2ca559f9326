package push

import "time"

// Stats are the figures of a node at one time. What is not a number of things
// that are there now counts from the start of the process.
type Stats struct {
	Node           string
	Started, Taken time.Time

	Connections      uint64
	Subscriptions    uint64 // open on connections
	Channels         uint64 // with an open subscription
	OutboxBytes      uint64
	PendingPublishes uint64
	PendingCursors   uint64
	StoreAvailable   bool

	Stored, Duplicates, Ephemeral, Failed uint64 // publishes by what became of them
	DeliveredLive, DeliveredBacklog       uint64
	Acks                                  uint64
	Gaps                                  uint64
}

// Stats takes the figures of this node.
func (e *Engine) Stats() Stats {
	m := e.metrics
	waiting, _ := e.appender.queued()
	s := Stats{
		Node: e.cfg.Node, Started: e.started, Taken: e.now(),
		Connections: m.connections.count(), Subscriptions: m.subscriptions.count(), Channels: m.activeChannels.count(),
		PendingPublishes: uint64(waiting), PendingCursors: uint64(e.cursors.pending()), StoreAvailable: e.Serving(),
		Stored: m.stored.count(), Duplicates: m.duplicates.count(), Ephemeral: m.ephemeral.count(), Failed: m.failed.count(),
		DeliveredLive: m.deliveredLive.count(), DeliveredBacklog: m.deliveredBacklog.count(),
		Acks: m.acks.count(), Gaps: m.gapFrames.count(),
	}
	e.EachSession(func(session *Session) { s.OutboxBytes += uint64(session.queued()) })
	return s
}

func (s *Session) queued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.bytes + s.out.held
}
