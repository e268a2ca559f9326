package wire

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"
)

// Message is a message of a channel.
//
// Data of a content type that IsJSON must be ValidJSON: Encode copies it as it is and does not parse it again.
type Message struct {
	Channel     string
	Seq         uint64 // 0 = ephemeral
	ID          string // the publisher's, optional
	Data        []byte
	ContentType string // "" = JSON
	Headers     []byte // a JSON object in valid UTF-8, or nil
	TimeMillis  int64  // since 1970

	verbatim int // how many bytes of the JSON follow Data in it, where it stands as it is; 0: it does not
}

func (m *Message) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"type":"message"`...)
	dst = appendChannel(dst, m.Channel)
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendUint(dst, m.Seq, 10)
	dst, verbatim := m.appendData(dst)
	end := len(dst)
	dst = appendOptional(dst, `,"messageId":`, m.ID)
	dst = append(dst, `,"time":`...)
	dst = strconv.AppendInt(dst, m.TimeMillis, 10)
	if !isPlainJSON(m.ContentType) {
		dst = append(dst, `,"contentType":`...)
		dst = appendString(dst, m.ContentType)
	}
	if len(m.Headers) > len(`{}`) {
		dst = append(dst, `,"headers":`...)
		dst = append(dst, m.Headers...)
	}
	dst = append(dst, '}')
	if verbatim {
		m.verbatim = len(dst) - end
	}
	return dst
}

// share lets Data be the part of the frame that says it.
func (m *Message) share(frame []byte) {
	if m.verbatim > 0 {
		end := len(frame) - m.verbatim
		m.Data = frame[end-len(m.Data) : end : end]
	}
}

// appendData falls back to data64 even for JSON that is empty or no UTF-8: such a frame would cost each client its
// connection, again and again, because the message comes back from the backlog.
func (m *Message) appendData(dst []byte) (_ []byte, verbatim bool) {
	switch {
	case IsJSON(m.ContentType) && len(m.Data) > 0 && utf8.Valid(m.Data):
		dst = append(dst, `,"data":`...)
		return append(dst, m.Data...), true
	case !IsJSON(m.ContentType) && isText(m.ContentType) && utf8.Valid(m.Data):
		dst = append(dst, `,"data":`...)
		return appendString(dst, m.Data), false
	default:
		dst = append(dst, `,"data64":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, m.Data)
		return append(dst, '"'), false
	}
}

func (m *Message) sizeHint() int {
	data := len(m.Data)
	if !IsJSON(m.ContentType) && !isText(m.ContentType) {
		data = base64.StdEncoding.EncodedLen(data)
	}
	const names = 152 // the keys, the punctuation and three numbers
	return names + data + len(m.Channel) + len(m.ID) + len(m.ContentType) + len(m.Headers)
}
