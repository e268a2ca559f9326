package sqlite

import "pushgate/store"

// maxCached bounds the channels whose rows are held in memory, about 250 bytes each.
const maxCached = 65536

// channel is a row of the table.
type channel struct {
	id              int64
	name            string
	epoch           string
	lastSeq, floor  uint64
	reason          store.Reason
	messages, bytes uint64
}

func (c channel) tail() store.Tail {
	return store.Tail{Channel: c.name, Epoch: c.epoch, LastSeq: c.lastSeq, Floor: c.floor, FloorReason: c.reason}
}

const channelColumns = "id, name, epoch, last_seq, floor, floor_reason, messages, bytes"

// fields are the destinations for channelColumns.
func (c *channel) fields() []any {
	return []any{&c.id, &c.name, &c.epoch, &c.lastSeq, &c.floor, &c.reason, &c.messages, &c.bytes}
}

// raise moves the floor up to seq, if it is not there yet.
func (c *channel) raise(seq uint64, why store.Reason) {
	if seq > c.floor {
		c.floor, c.reason = seq, why
	}
}

// cache holds committed rows by the channel's name. They are always those of
// the file, because nobody else writes to it.
type cache map[string]channel

// keep takes the rows of a committed transaction.
func (c cache) keep(used map[string]*usedChannel) {
	for name, ch := range used {
		c[name] = ch.now
	}
	for name := range c {
		if len(c) <= maxCached {
			break
		}
		delete(c, name)
	}
}
