package push

import "pushgate/push/wire"

// Forms are in which form a transport sends frames. Its methods are called with a
// session's lock held, and must not block.
type Forms interface {
	// Form answers what to send of a frame. Where it answers nothing the frame stays
	// queued, and whatever is behind it; the transport has to come again by itself
	// when there is something.
	Form(*wire.Frame) []byte
	// Prepare is told of frames behind such a one. It says whether to go on.
	Prepare(*wire.Frame) bool
}

// maxAhead is how many frames are prepared, so that many can be sent in one write.
const maxAhead = 16

// Compressed keeps the form of a frame for connections that take it compressed
// (wire.CompressedFrame), nil if there is to be none. What holds the frame counts
// it from then on.
func (e *Engine) Compressed(f *wire.Frame, form []byte) {
	if m, ok := f.Event.(*wire.Message); ok && m.Seq > 0 {
		if c := e.hub.find(m.Channel); c != nil {
			c.compressed(m.Seq, f, form)
			return
		}
	}
	f.SetCompressed(form)
}

func (c *channel) compressed(seq uint64, f *wire.Frame, form []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hub.ringBytes.Add(int64(c.ring.compress(seq, f, form)))
}
