package ws

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// inflater stands between a connection that negotiated permessage-deflate and
// coder/websocket: frames pass as they are, but for compressed messages (RFC 7692
// §6), of which it makes one plain frame each. coder/websocket would keep 4 KiB for
// each connection that ever sent one, and inflate a message that is too big to its
// end. It is used by the connection's reader only.
type inflater struct {
	in       *bufio.Reader
	limit    int // bytes of a message
	client   inflated
	messages prometheus.Counter

	// out is what coder/websocket gets before anything else, and left how many
	// bytes of a frame's payload follow as they are.
	out  []byte
	left uint64
	head [maxHead]byte // out points into it, or into plain
	// open: a message that passes as it is has not ended.
	open bool

	// kind is the opcode of the compressed message that has begun, 0 if none has.
	kind byte
	// packed is what has come of it; nil when it is dropped.
	packed, plain *[]byte
	// dropping: one was too big, and no other is looked at any more.
	dropping bool
	// cost is what the last message counts for, in bytes; 0 if it passed as it was.
	cost int
}

// The parts of a frame's header (RFC 6455 §5.2, RFC 7692 §6).
const (
	finBit, rsvBits, rsv1Bit = 0x80, 0x70, 0x40
	opContinuation, opMask   = 0x0, 0x0f
	opControl                = 0x08 // from here on
	maskBit                  = 0x80
	maxHead                  = 14
)

// inflated is what an inflater tells of.
type inflated interface {
	begins() // a compressed message
	tooBig() // the first message that is longer than it may be
}

// inflateTime is what inflating a byte may take before the message counts for more
// than its length: some data, made for that, takes thirty times what JSON does.
const inflateTime = 10 * time.Nanosecond

var errFrame = errors.New("a frame that RFC 7692 does not allow")

// Read implements io.Reader: of plain frames.
func (d *inflater) Read(p []byte) (int, error) {
	for {
		switch {
		case len(d.out) > 0:
			n := copy(p, d.out)
			if d.out = d.out[n:]; len(d.out) == 0 {
				putFrame(&d.plain)
			}
			return n, nil
		case d.left > 0:
			n, err := d.in.Read(p[:min(uint64(len(p)), d.left)])
			d.left -= uint64(n)
			return n, err
		}
		if err := d.next(); err != nil {
			return 0, err
		}
	}
}

// empty says whether all that was received was read.
func (d *inflater) empty() bool { return len(d.out) == 0 && d.left == 0 && d.in.Buffered() == 0 }

// next begins a frame.
func (d *inflater) next() error {
	head, length, err := d.header()
	if err != nil {
		return err
	}
	first := head[0]
	switch op := first & opMask; {
	case op >= opControl:
	case d.kind != 0 && (op != opContinuation || first&rsvBits != 0):
		return errFrame // a message in the midst of a compressed one
	case d.kind == 0 && (d.open || op == opContinuation || first&rsvBits != rsv1Bit):
		d.open, d.cost = first&finBit == 0, 0
	default:
		return d.compressed(head, length)
	}
	d.out, d.left = d.head[:copy(d.head[:], head)], length
	_, err = d.in.Discard(len(head))
	return err
}

// header answers a frame's header, which stays in the reader, and the length of
// its payload.
func (d *inflater) header() (head []byte, length uint64, err error) {
	if head, err = d.in.Peek(2); err != nil {
		return nil, 0, err
	}
	size := 2
	switch head[1] &^ maskBit {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	lengthEnd := size
	if head[1]&maskBit != 0 {
		size += 4
	}
	if head, err = d.in.Peek(size); err != nil {
		return nil, 0, err
	}
	switch lengthEnd {
	case 2:
		length = uint64(head[1] &^ maskBit)
	case 4:
		length = uint64(binary.BigEndian.Uint16(head[2:]))
	default:
		length = binary.BigEndian.Uint64(head[2:])
	}
	return head, length, nil
}

// compressed takes a frame of a compressed message, and hands the message on when
// it is complete.
func (d *inflater) compressed(head []byte, length uint64) error {
	if head[1]&maskBit == 0 || length > math.MaxInt64 {
		return errFrame
	}
	if d.kind == 0 {
		d.kind = head[0] & opMask
		d.client.begins()
		if !d.dropping {
			d.packed = frames.Get().(*[]byte)
			*d.packed = (*d.packed)[:0]
		}
	}
	last, mask := head[0]&finBit != 0, [4]byte(head[len(head)-4:])
	if _, err := d.in.Discard(len(head)); err != nil {
		return err
	}
	if err := d.payload(int64(length), mask); err != nil || !last {
		return err
	}
	return d.complete()
}

// payload reads a frame's payload. Compressed data may be a little longer than
// what it stands for; beyond that it is dropped unseen.
func (d *inflater) payload(length int64, mask [4]byte) error {
	if d.packed != nil && length > int64(d.limit+d.limit/8+1024-len(*d.packed)) {
		d.drop()
	}
	if d.packed == nil {
		_, err := io.CopyN(io.Discard, d.in, length)
		return err
	}
	buf := *d.packed
	for start, end := len(buf), len(buf)+int(length); len(buf) < end; {
		if len(buf) == cap(buf) {
			buf = append(buf, make([]byte, max(512, len(buf)))...)[:len(buf)]
		}
		n, err := d.in.Read(buf[len(buf):min(cap(buf), end)])
		for i, at := len(buf), len(buf)-start; i < len(buf)+n; i, at = i+1, at+1 {
			buf[:cap(buf)][i] ^= mask[at&3]
		}
		buf = buf[:len(buf)+n]
		*d.packed = buf
		if err != nil {
			return err
		}
	}
	return nil
}

// complete inflates the message and makes a frame of it, masked with zeros as
// coder/websocket wants frames to be.
func (d *inflater) complete() error {
	kind := d.kind
	d.kind = 0
	if d.packed == nil {
		return nil
	}
	d.messages.Inc()
	began, length := time.Now(), len(*d.packed)
	*d.packed = append(*d.packed, inflateTail...)
	d.plain = frames.Get().(*[]byte)
	var err error
	*d.plain, err = inflate(append((*d.plain)[:0], make([]byte, maxHead)...), *d.packed, maxHead+d.limit)
	d.cost = max(length, int(time.Since(began)/inflateTime))
	putFrame(&d.packed)
	switch {
	case errors.Is(err, errTooBig):
		putFrame(&d.plain)
		d.drop()
		return nil
	case err != nil:
		return err
	}
	d.out = *d.plain
	d.out[0], d.out[1] = finBit|kind, maskBit|127
	binary.BigEndian.PutUint64(d.out[2:], uint64(len(d.out)-maxHead))
	return nil
}

// drop refuses a message that is too big, and with it all that are still to come.
func (d *inflater) drop() {
	d.dropping = true
	putFrame(&d.packed)
	d.client.tooBig()
}

// putFrame gives a buffer back.
func putFrame(buf **[]byte) {
	if b := *buf; b != nil && cap(*b) <= keepFrame {
		frames.Put(b)
	}
	*buf = nil
}
