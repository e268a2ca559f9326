package push

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"pushgate/push/wire"
	"pushgate/store"
)

// hub holds the channels and sessions of this node, in shards with a lock each.
type hub struct {
	cfg      Config
	metrics  *Metrics
	backlog  *backlog
	seed     maphash.Seed
	channels [64]channelShard
	sessions sessions
	closed   closed
	outboxes outboxes

	population population
	ringBytes  atomic.Int64 // held by all rings
}

type channelShard struct {
	mu       sync.Mutex
	channels map[string]*channel
}

func newHub(cfg Config, metrics *Metrics) *hub {
	h := &hub{cfg: cfg, metrics: metrics, seed: maphash.MakeSeed()}
	h.outboxes.bytes, h.outboxes.messages, h.outboxes.total = cfg.OutboxBytes, cfg.OutboxMessages, int64(cfg.OutboxTotalBytes)
	for i := range h.channels {
		h.channels[i].channels = make(map[string]*channel)
	}
	h.sessions.init()
	return h
}

func (h *hub) shard(name string) *channelShard {
	return &h.channels[maphash.String(h.seed, name)%uint64(len(h.channels))]
}

// acquire answers the channel and keeps it until release: from here on nothing
// that is committed on this node passes it by.
func (h *hub) acquire(name string) *channel {
	shard := h.shard(name)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	c := shard.channels[name]
	if c == nil {
		c = &channel{name: name, hub: h, durable: h.cfg.current().Namespaces.Of(name).Durable}
		c.verified = !c.durable
		shard.channels[name] = c
		h.metrics.activeChannels.Inc()
	}
	c.refs++
	return c
}

func (h *hub) release(c *channel) {
	shard := h.shard(c.name)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if c.refs--; c.refs > 0 {
		return
	}
	delete(shard.channels, c.name)
	h.metrics.activeChannels.Dec()
	c.mu.Lock()
	defer c.mu.Unlock()
	h.ringBytes.Add(-int64(c.ring.clear()))
}

// find answers a channel that somebody holds, or nil.
func (h *hub) find(name string) *channel {
	shard := h.shard(name)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	return shard.channels[name]
}

// ringLimit is what one channel's ring may hold: less when all together hold
// more than half of what they may, nothing when they hold all of it.
func (h *hub) ringLimit() int {
	switch held, total := h.ringBytes.Load(), int64(h.cfg.RingTotalBytes); {
	case held >= total:
		return 0
	case held >= total/2:
		return h.cfg.RingBytes / 16
	default:
		return h.cfg.RingBytes
	}
}

// committed dispatches a committed batch, the messages of each channel together.
// Only channels that somebody is subscribed to on this node cost anything.
func (h *hub) committed(batch []*submission) {
	type run struct {
		epoch    string
		messages []fresh
	}
	runs := make(map[*channel]run)
	for _, s := range batch {
		c := h.find(s.message.Channel)
		if c == nil || s.result.Duplicate {
			continue
		}
		m := s.message
		m.Seq, m.ID = s.result.Seq, s.result.ID
		r := runs[c]
		r.epoch = s.result.Epoch
		r.messages = append(r.messages, fresh{
			seq: m.Seq, frame: encode(m), born: s.born, mortal: !m.Expires.IsZero(),
		})
		runs[c] = r
	}
	for c, r := range runs {
		c.deliver(r.epoch, r.messages)
	}
}

// encode makes the frame that all subscribers of a message get.
func encode(m store.Message) *wire.Frame {
	return wire.EncodeMessage(wire.Message{
		Channel: m.Channel, Seq: m.Seq, ID: m.ID, Data: m.Data, ContentType: m.ContentType,
		Headers: m.Headers, TimeMillis: m.Time.UnixMilli(),
	})
}

// active lists the durable channels that sessions hold.
func (h *hub) active(buf []*channel) []*channel {
	for i := range h.channels {
		shard := &h.channels[i]
		shard.mu.Lock()
		for _, c := range shard.channels {
			if c.durable {
				buf = append(buf, c)
			}
		}
		shard.mu.Unlock()
	}
	return buf
}

// pending counts the messages that open durable subscriptions have not acked.
func (h *hub) pending() (messages uint64) {
	for _, c := range h.active(nil) {
		c.mu.Lock()
		for _, s := range c.subscriptions {
			s.session.mu.Lock()
			if s.durable && s.acked < c.tail {
				messages += c.tail - s.acked
			}
			s.session.mu.Unlock()
		}
		c.mu.Unlock()
	}
	return messages
}
