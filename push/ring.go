package push

import (
	"time"

	"pushgate/push/wire"
)

// ring keeps a channel's newest frames, without holes, so that whoever is a
// little behind need not go to the store. It is guarded by its channel's lock.
type ring struct {
	first  uint64 // seq of frames[0]
	frames []*wire.Frame
	bytes  int
	pushed time.Time
}

// last is the seq of the newest frame; first-1 when the ring is empty.
func (r *ring) last() uint64 { return r.first + uint64(len(r.frames)) - 1 }

// get answers the frame of a seq, or nil.
func (r *ring) get(seq uint64) *wire.Frame {
	if len(r.frames) == 0 || seq < r.first || seq > r.last() {
		return nil
	}
	return r.frames[seq-r.first]
}

// push appends a frame and drops the oldest beyond the bounds. It answers by
// how much the bytes that the ring holds have changed.
func (r *ring) push(seq uint64, frame *wire.Frame, maxFrames, maxBytes int) (change int) {
	before := r.bytes
	if len(r.frames) > 0 && seq <= r.last() {
		return 0
	}
	if len(r.frames) > 0 && seq != r.last()+1 {
		r.clear()
	}
	if len(r.frames) == 0 {
		r.first = seq
	}
	r.frames = append(r.frames, frame)
	r.bytes += frame.Size()
	for len(r.frames) > maxFrames || r.bytes > maxBytes {
		r.drop()
	}
	return r.bytes - before
}

// compress keeps the compressed form of a frame with it, and answers by how much
// the bytes that the ring holds have changed. What is too much goes with the next
// push.
func (r *ring) compress(seq uint64, frame *wire.Frame, form []byte) (change int) {
	before := frame.Size()
	frame.SetCompressed(form)
	if r.get(seq) != frame {
		return 0
	}
	change = frame.Size() - before
	r.bytes += change
	return change
}

// drop forgets the oldest frame.
func (r *ring) drop() {
	r.bytes -= r.frames[0].Size()
	r.frames[0] = nil
	r.frames = r.frames[1:]
	r.first++
}

// forget drops the frames up to a seq, and answers how many bytes they held.
func (r *ring) forget(upTo uint64) (bytes int) {
	before := r.bytes
	for len(r.frames) > 0 && r.first <= upTo {
		r.drop()
	}
	return before - r.bytes
}

// clear forgets everything, and answers how many bytes were held.
func (r *ring) clear() (bytes int) {
	bytes = r.bytes
	r.frames, r.bytes = nil, 0
	return bytes
}

// expired: no frame came since the given time.
func (r *ring) expired(before time.Time) bool { return len(r.frames) > 0 && r.pushed.Before(before) }
