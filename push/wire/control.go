package wire

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

const (
	maxControl = 125            // bytes of payload of a control frame (RFC 6455 §5.5)
	maxReason  = maxControl - 2 // the close code takes two (RFC 6455 §5.5.1)
)

// CloseFrame is the WebSocket close frame with the code and the reason (RFC 6455 §5.5.1). A reason longer than 123
// bytes is cut at a rune boundary, and invalid UTF-8 in it becomes U+FFFD.
func CloseFrame(code CloseCode, reason string) []byte {
	reason = cut(strings.ToValidUTF8(reason, "\ufffd"), maxReason)
	frame := make([]byte, 0, 4+len(reason))
	frame = append(frame, fin|opClose, byte(2+len(reason)))
	frame = binary.BigEndian.AppendUint16(frame, uint16(code))
	return append(frame, reason...)
}

// PingFrame is the WebSocket ping frame with the payload, which is cut to 125 bytes (RFC 6455 §5.5.2).
func PingFrame(payload []byte) []byte { return controlFrame(opPing, payload) }

// PongFrame is the WebSocket pong frame with the payload, which is cut to 125 bytes (RFC 6455 §5.5.3).
func PongFrame(payload []byte) []byte { return controlFrame(opPong, payload) }

func controlFrame(opcode byte, payload []byte) []byte {
	payload = payload[:min(len(payload), maxControl)]
	frame := make([]byte, 0, 2+len(payload))
	frame = append(frame, fin|opcode, byte(len(payload)))
	return append(frame, payload...)
}

// cut shortens valid UTF-8 to at most limit bytes, at a rune boundary.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
