package push

import (
	"sync"
	"time"

	"pushgate/push/wire"
	"pushgate/store"
)

// channel is a channel that sessions of this node are subscribed to: its tail,
// its newest frames, and who wants them. Lock order: hub shard, channel, session.
type channel struct {
	name    string
	durable bool // messages are stored
	hub     *hub

	refs int // guarded by the hub shard's lock

	mu    sync.Mutex
	epoch string
	// tail is the newest seq that this node knows of. It is verified once a read
	// that began after this channel came into being, or a commit of this node's,
	// has told it: before that, nobody may go live.
	tail          uint64
	verified      bool
	ring          ring
	subscriptions []*subscription
}

// fresh is a stored message on its way to whoever is live.
type fresh struct {
	seq   uint64
	frame *wire.Frame
	born  time.Time
	// mortal: it has a time to live of its own, so only the store may serve it later.
	mortal bool
}

// deliver hands newly stored messages with consecutive seqs to the live
// subscriptions. If they do not follow the tail (another node stored some in
// between, or the sweep was faster), the backlog reads what is missing.
func (c *channel) deliver(epoch string, messages []fresh) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch = epoch
	for _, m := range messages {
		m.frame.Spread(len(c.subscriptions))
		c.remember(m)
	}
	first, last := messages[0].seq, messages[len(messages)-1].seq
	if !c.verified || first != c.tail+1 {
		c.advance(max(last, c.tail))
		return
	}
	c.tail = last
	delivered := 0
	for _, s := range c.subscriptions {
		delivered += s.offer(messages)
	}
	c.hub.metrics.deliveredLive.Add(float64(delivered))
}

// remember puts a message into the ring. The channel's lock is held.
func (c *channel) remember(m fresh) {
	if m.mortal {
		c.hub.ringBytes.Add(-int64(c.ring.clear()))
		return
	}
	c.ring.pushed = m.born
	c.hub.ringBytes.Add(int64(c.ring.push(m.seq, m.frame, c.hub.cfg.RingMessages, c.hub.ringLimit())))
}

// offer sends messages that follow the tail, as far as the subscription is live
// and there is room, and answers how many. The store may have placed a
// subscription beyond the tail: what is on its way to the tail then lies behind
// it. The channel's lock is held.
func (s *subscription) offer(messages []fresh) (sent int) {
	s.session.mu.Lock()
	defer s.session.mu.Unlock()
	for _, m := range messages {
		if s.state != live {
			return sent
		}
		if m.seq <= s.sent {
			continue
		}
		if waiting, ok := s.room(); !ok {
			s.lagging = !s.durable
			s.wait(waiting)
			return sent
		}
		s.send(m.seq, m.frame)
		s.session.sample(m.born)
		sent++
	}
	return sent
}

// observe learns from a store read where the channel begins and ends.
func (c *channel) observe(tail store.Tail) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch = tail.Epoch
	c.hub.ringBytes.Add(-int64(c.ring.forget(tail.Floor)))
	if tail.LastSeq > c.tail || !c.verified {
		c.advance(max(tail.LastSeq, c.tail))
	}
}

// advance moves the tail over messages that this node has not seen, and sends
// the live subscriptions to the backlog for them. The channel's lock is held.
func (c *channel) advance(tail uint64) {
	c.tail, c.verified = tail, true
	for _, s := range c.subscriptions {
		s.session.mu.Lock()
		if s.state == live && s.sent < tail {
			s.state = catchingUp
			c.hub.backlog.add(s)
		}
		s.session.mu.Unlock()
	}
}

// reach learns from a position that the channel has got there: the store is
// ahead of what was dispatched here. The channel's lock is held, and that of the
// session which has the position; nobody else's is taken.
func (c *channel) reach(seq uint64) {
	if seq > c.tail {
		c.tail, c.verified = seq, false
	}
}

// broadcast hands an ephemeral message to every open subscription.
func (c *channel) broadcast(frame *wire.Frame, born time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	frame.Spread(len(c.subscriptions))
	delivered := 0
	for _, s := range c.subscriptions {
		if s.offerEphemeral(frame, born) {
			delivered++
		}
	}
	c.hub.metrics.deliveredLive.Add(float64(delivered))
}

// offerEphemeral sends a message without a position if there is room.
func (s *subscription) offerEphemeral(frame *wire.Frame, born time.Time) bool {
	s.session.mu.Lock()
	defer s.session.mu.Unlock()
	if s.state == ended {
		return false
	}
	if s.session.full() {
		s.lost++
		s.stall()
		return false
	}
	s.tellLost()
	s.session.push(frame)
	s.session.sample(born)
	return true
}

// join adds a subscription and tells its client by the given frames, under one
// lock: whatever is delivered comes after them. It says false if the session
// has ended meanwhile, or has a subscription to the channel.
func (c *channel) join(s *subscription, announce ...*wire.Frame) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.session.mu.Lock()
	defer s.session.mu.Unlock()
	if s.session.over() || s.session.subscriptions.of(c.name) != nil {
		return false
	}
	for _, f := range announce {
		s.session.push(f)
	}
	s.session.subscriptions.add(s)
	if s.durable {
		// An ack over another connection, since the store was read, did not find s.
		s.acked = max(s.acked, s.session.engine.cursors.moved(s.key()))
	}
	s.index = len(c.subscriptions)
	c.subscriptions = append(c.subscriptions, s)
	c.reach(s.sent)
	if c.verified && s.sent == c.tail {
		s.state = live
		return true
	}
	s.state = catchingUp
	c.hub.backlog.add(s)
	return true
}

// leave removes a subscription and tells its client by the given frames, under
// one lock: what a new subscription to the channel is sent comes after them. It
// says false if it had left already.
func (c *channel) leave(s *subscription, announce ...*wire.Frame) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.session.mu.Lock()
	defer s.session.mu.Unlock()
	if s.state == ended {
		return false
	}
	s.state = ended
	s.lost = 0
	for _, f := range announce {
		s.session.push(f)
	}
	s.session.subscriptions.remove(s)
	last := len(c.subscriptions) - 1
	c.subscriptions[s.index] = c.subscriptions[last]
	c.subscriptions[s.index].index = s.index
	c.subscriptions[last] = nil
	c.subscriptions = c.subscriptions[:last]
	return true
}

// catchUp feeds a subscription from the ring, and makes it live when it has
// reached the tail. It says true when it needs the store instead.
func (c *channel) catchUp(s *subscription) (needsStore bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.session.mu.Lock()
	defer s.session.mu.Unlock()
	for s.state == catchingUp {
		c.reach(s.sent)
		if c.verified && s.sent == c.tail {
			s.state, s.lagging = live, false
			return false
		}
		if waiting, ok := s.room(); !ok {
			s.wait(waiting)
			return false
		}
		frame := c.ring.get(s.sent + 1)
		switch {
		case frame != nil:
			s.send(s.sent+1, frame)
			c.hub.metrics.deliveredBacklog.Inc()
		case s.lagging && c.verified:
			s.skip(c.tail, wire.GapSlow)
		default:
			return true
		}
	}
	return false
}
