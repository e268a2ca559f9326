package wire

import "encoding/binary"

// The opcodes that the server sends (RFC 6455 §5.2).
const (
	opText  = 0x1
	opClose = 0x8
	opPing  = 0x9
	opPong  = 0xA
)

const (
	fin       = 0x80
	rsv1      = 0x40 // the message is compressed (RFC 7692 §6)
	maxHeader = 10   // of an unmasked frame
	len16     = 126  // the length follows in two bytes
	len64     = 127  // the length follows in eight bytes
)

// putHeader writes the header of an unmasked final frame (RFC 6455 §5.2) right in front of the payload
// buf[maxHeader:], and returns where in buf the frame starts.
func putHeader(buf []byte, opcode byte) (start int) {
	n := len(buf) - maxHeader
	switch {
	case n < len16:
		start = maxHeader - 2
		buf[start+1] = byte(n)
	case n <= 0xffff:
		start = maxHeader - 4
		buf[start+1] = len16
		binary.BigEndian.PutUint16(buf[start+2:], uint16(n))
	default:
		start = 0
		buf[start+1] = len64
		binary.BigEndian.PutUint64(buf[start+2:], uint64(n))
	}
	buf[start] = fin | opcode
	return start
}

// CompressedFrame is the WebSocket text frame of a payload that was compressed as RFC 7692 §7.2.1 says.
func CompressedFrame(payload []byte) []byte {
	buf := make([]byte, maxHeader+len(payload))
	copy(buf[maxHeader:], payload)
	return buf[putHeader(buf, rsv1|opText):]
}

// headerLen is the length in bytes of the header that an unmasked frame starts with.
func headerLen(frame []byte) int {
	switch frame[1] {
	case len16:
		return 4
	case len64:
		return 10
	default:
		return 2
	}
}
