package wire

// Frame is one complete server→client frame, encoded once and shared by every connection: nobody may change it.
type Frame struct {
	Event Event  // what it says
	Bytes []byte // the WebSocket text frame: header (RFC 6455 §5.2, unmasked, FIN, opcode 1) and JSON

	shares int // over how many it is spread; 0 is as good as 1
}

// Spread tells for how many connections the frame is meant, before any has it.
func (f *Frame) Spread(connections int) { f.shares = connections }

// Weight is the memory that the frame costs each of those who share it, in bytes.
func (f *Frame) Weight() int { return overhead + len(f.Bytes)/max(f.shares, 1) }

// overhead is what a frame costs in the queue of one connection: a pointer, twice
// because a queue that grows doubles.
const overhead = 16

// Encode makes the frame that says e. The frame keeps e and, of a Message, its Data: they must not change afterwards.
func Encode(e Event) *Frame {
	buf := make([]byte, maxHeader, maxHeader+sizeHint(e))
	buf = e.appendJSON(buf)
	start := putHeader(buf, opText)
	return &Frame{Event: e, Bytes: buf[start:len(buf):len(buf)]}
}

// Payload is the JSON without the header. It is a part of Bytes, and as little to be changed.
func (f *Frame) Payload() []byte {
	return f.Bytes[headerLen(f.Bytes):]
}

// sizeHint estimates the length of e's JSON in bytes, so that one allocation is enough unless a string needs escaping.
func sizeHint(e Event) int {
	switch e := e.(type) {
	case *Message:
		return e.sizeHint()
	case Connected:
		return e.sizeHint()
	default:
		return 192
	}
}
