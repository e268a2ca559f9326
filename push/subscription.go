package push

import (
	"pushgate/push/wire"
	"pushgate/store"
)

// subState is where a subscription of a session gets its messages from.
type subState uint8

const (
	// catchingUp: the backlog reads for it, from the ring or the store.
	catchingUp subState = iota
	// live: its position is the channel's tail; new messages go straight into
	// the outbox.
	live
	// awaitingAck: the window is full; an ack sends it back to catchingUp.
	awaitingAck
	// awaitingRoom: the outbox is full; draining it sends it back to catchingUp.
	awaitingRoom
	// ended: closed, or its session is.
	ended
)

// subscription is a session's interest in a channel. It is guarded by its
// session's lock; a change to live, and to the channel's list, is made under
// the channel's lock as well.
type subscription struct {
	session *Session
	channel *channel
	index   int // in channel.subscriptions, guarded by the channel's lock

	state   subState
	durable bool
	// lagging: a subscription that is not durable was live and found no room.
	// What the ring no longer has when there is room is dropped, not read.
	lagging bool
	// sent is the position: the highest seq that was sent or told as a gap.
	sent uint64
	// acked is the highest seq that the subscriber acked, or the cursor it began
	// with. An ack over another connection may bring it beyond sent.
	acked  uint64
	window uint64
	flight inflight
	// lost counts ephemeral messages for which there was no room.
	lost uint64
	// stalled: it is in its session's list of what a drain has to look after.
	stalled bool
}

// room says whether one more message may be sent now, and otherwise which state
// waits for it.
func (s *subscription) room() (subState, bool) {
	if s.durable && (s.flight.messages >= s.window || s.flight.bytes >= s.session.hub.cfg.current().WindowBytes) {
		return awaitingAck, false
	}
	if s.session.full() {
		return awaitingRoom, false
	}
	return s.state, true
}

// wait parks the subscription until there is room.
func (s *subscription) wait(state subState) {
	s.state = state
	if state == awaitingRoom {
		s.stall()
	}
}

// stall asks the session to look after the subscription when its outbox drains.
func (s *subscription) stall() {
	if !s.stalled {
		s.stalled = true
		s.session.stalled = append(s.session.stalled, s)
	}
}

// send puts a message's frame into the outbox; there is room.
func (s *subscription) send(seq uint64, frame *wire.Frame) {
	s.tellLost()
	s.session.push(frame)
	s.sent = seq
	if s.durable && seq > s.acked {
		s.flight.sent(seq, len(frame.Bytes))
	}
}

// skip tells the client that it will not get the messages up to a seq.
func (s *subscription) skip(to uint64, reason wire.GapReason) {
	s.session.push(wire.Encode(wire.Gap{Channel: s.channel.name, From: s.sent + 1, To: to, Reason: reason}))
	s.session.hub.metrics.gap(reason, to-s.sent)
	s.sent = to
}

// tellLost tells the client that ephemeral messages, which have no position,
// were dropped since it was last sent something.
func (s *subscription) tellLost() {
	if s.lost == 0 {
		return
	}
	s.session.push(wire.Encode(wire.Gap{Channel: s.channel.name, Reason: wire.GapSlow}))
	s.session.hub.metrics.gap(wire.GapSlow, s.lost)
	s.lost = 0
}

func (s *subscription) key() store.SubscriptionKey {
	return store.SubscriptionKey{Subscriber: s.session.subscriber, Channel: s.channel.name}
}
