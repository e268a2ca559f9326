package push

import "sync/atomic"

// outboxes bounds what all sessions together have queued. A session may hold at
// most as much as is still free for all: so the largest are the first that are
// fed no more, and go on from the store when they have drained, while everybody
// gets through with a little. Safe for concurrent use; an outbox is guarded by
// its session's lock.
type outboxes struct {
	bytes, messages int // of one
	total           int64
	held            atomic.Int64
}

// outboxStep is how much an outbox may hold without telling, and whatever the
// others hold: small ones cost no shared counter.
const outboxStep = 4 << 10

// follow counts what an outbox holds now.
func (o *outboxes) follow(b *outbox) {
	if b.weight < b.reported || b.weight >= b.reported+outboxStep {
		steps := b.weight / outboxStep * outboxStep
		o.held.Add(int64(steps - b.reported))
		b.reported = steps
	}
}

// free is what one outbox may hold because of the others.
func (o *outboxes) free() int { return int(o.total - o.held.Load()) }

func (o *outboxes) full(b *outbox) bool {
	return b.bytes >= o.bytes || b.length() >= o.messages || b.weight >= outboxStep && b.weight >= o.free()
}

// roomy: half of what it may hold is free, so that waiting was worth while.
func (o *outboxes) roomy(b *outbox) bool {
	return b.bytes <= o.bytes/2 && b.length() <= o.messages/2 && (b.weight < outboxStep || b.weight <= o.free()/2)
}
