package wire

import "sync/atomic"

// Frame is one complete server→client frame, encoded once and shared by every connection: nobody may change it.
type Frame struct {
	Event Event  // what it says
	Bytes []byte // the WebSocket text frame: header (RFC 6455 §5.2, unmasked, FIN, opcode 1) and JSON

	shares     int                    // over how many it is spread; 0 is as good as 1
	compressed atomic.Pointer[[]byte] // &Bytes: there is no better form
}

// maxShares bounds what a frame is spread over: of a large crowd only those keep it
// who do not read, and they may be few.
const maxShares = 64

// Spread tells for how many connections the frame is meant, before any has it.
func (f *Frame) Spread(connections int) { f.shares = min(connections, maxShares) }

// Weight is the memory that the frame costs each of those who share it, in bytes.
func (f *Frame) Weight() int { return overhead + len(f.Bytes)/max(f.shares, 1) }

// overhead is what a frame costs in the queue of one connection: a pointer, twice
// because a queue that grows doubles.
const overhead = 16

// Encode makes the frame that says e. The frame keeps e, which must not change afterwards.
func Encode(e Event) *Frame {
	f := &Frame{Event: e}
	f.encode(sizeHint(e))
	return f
}

// EncodeMessage makes the frame that says m. Of Data it keeps nothing where the payload stands in the frame as it is:
// the Event's Data is then a part of Bytes.
func EncodeMessage(m Message) *Frame {
	both := &struct {
		Frame
		Message
	}{Message: m}
	both.Event = &both.Message
	both.encode(both.sizeHint())
	both.share(both.Bytes)
	return &both.Frame
}

func (f *Frame) encode(hint int) {
	buf := f.Event.appendJSON(make([]byte, maxHeader, maxHeader+hint))
	start := putHeader(buf, opText)
	f.Bytes = buf[start:len(buf):len(buf)]
}

// Payload is the JSON without the header. It is a part of Bytes, and as little to be changed.
func (f *Frame) Payload() []byte {
	return f.Bytes[headerLen(f.Bytes):]
}

// Compressed is the frame for connections that negotiated permessage-deflate: Bytes where that is no gain, nil as
// long as nobody has called SetCompressed.
func (f *Frame) Compressed() []byte {
	if form := f.compressed.Load(); form != nil {
		return *form
	}
	return nil
}

// SetCompressed keeps the form that CompressedFrame made; nil says that there is to be none.
func (f *Frame) SetCompressed(form []byte) {
	if form == nil {
		f.compressed.Store(&f.Bytes)
		return
	}
	f.compressed.Store(&form)
}

// Size is the memory that the frame's forms take together, in bytes. It grows with SetCompressed.
func (f *Frame) Size() int {
	if form := f.compressed.Load(); form != nil && form != &f.Bytes {
		return len(f.Bytes) + len(*form)
	}
	return len(f.Bytes)
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
