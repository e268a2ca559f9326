package push

import (
	"time"

	"pushgate/push/wire"
)

// outbox is a session's bounded queue of frames to send, in order. The frames
// are shared with other sessions; only the queue is its own. Guarded by its
// session's lock.
type outbox struct {
	frames []*wire.Frame
	head   int
	bytes  int // of the frames
	held   int // bytes that the transport took and could not write yet
	// weight is what all this costs the process; reported is what of it the
	// session has told to outboxes.
	weight, reported int
	// born is when the publish behind the oldest live frame in it came in; zero
	// when there is none. It samples the delivery latency once a drain.
	born time.Time
}

// keepFrames is the capacity that an empty outbox keeps until its session is idle:
// enough that the steady state allocates nothing, also under load, when writers
// gather.
const keepFrames = 256

func (o *outbox) push(f *wire.Frame) {
	// Where it would grow and half of it is behind the head, it moves up instead.
	if len(o.frames) == cap(o.frames) && o.head > len(o.frames)/2 {
		rest := copy(o.frames, o.frames[o.head:])
		clear(o.frames[rest:])
		o.frames, o.head = o.frames[:rest], 0
	}
	o.frames = append(o.frames, f)
	o.bytes += len(f.Bytes)
	o.weight += f.Weight()
}

func (o *outbox) hold(bytes int) {
	o.weight += bytes - o.held
	o.held = bytes
}

func (o *outbox) empty() bool { return o.head == len(o.frames) }

func (o *outbox) length() int { return len(o.frames) - o.head }

func (o *outbox) first() *wire.Frame { return o.frames[o.head] }

// ahead prepares the frames behind the first.
func (o *outbox) ahead(forms Forms) {
	for _, f := range o.frames[o.head+1 : min(o.head+1+maxAhead, len(o.frames))] {
		if !forms.Prepare(f) {
			return
		}
	}
}

func (o *outbox) pop() *wire.Frame {
	f := o.frames[o.head]
	o.frames[o.head] = nil
	o.head++
	o.bytes -= len(f.Bytes)
	o.weight -= f.Weight()
	if o.empty() {
		o.head = 0
		if cap(o.frames) > keepFrames {
			o.frames = nil
		} else {
			o.frames = o.frames[:0]
		}
	}
	return f
}
