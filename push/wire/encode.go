package wire

import (
	"strconv"
	"time"
)

func (e Connected) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"type":"connected","connection":`...)
	dst = appendString(dst, e.Connection)
	dst = append(dst, `,"node":`...)
	dst = appendString(dst, e.Node)
	dst = appendOptional(dst, `,"subscriber":`, e.Subscriber)
	dst = append(dst, `,"heartbeat":`...)
	dst = strconv.AppendInt(dst, int64(e.Heartbeat), 10)
	dst = append(dst, `,"maxFrame":`...)
	dst = strconv.AppendInt(dst, int64(e.MaxFrame), 10)
	dst = append(dst, `,"subscriptions":[`...)
	for i, s := range e.Subscriptions {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"channel":`...)
		dst = appendString(dst, s.Channel)
		dst = appendPosition(dst, s.Epoch, s.Seq, s.Cursor, s.Pending)
		dst = append(dst, '}')
	}
	return append(dst, `]}`...)
}

func (e Connected) sizeHint() int {
	n := 192 + len(e.Connection) + len(e.Node) + len(e.Subscriber)
	for _, s := range e.Subscriptions {
		n += 96 + len(s.Channel) + len(s.Epoch)
	}
	return n
}

func (e Authenticated) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"type":"authenticated"`...)
	dst = appendID(dst, e.ID)
	dst = append(dst, `,"subscriber":`...)
	dst = appendString(dst, e.Subscriber)
	if e.ExpiresIn != 0 {
		dst = appendExpiresIn(dst, e.ExpiresIn)
	}
	return append(dst, '}')
}

func (e TokenExpiring) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"type":"tokenExpiring"`...)
	dst = appendExpiresIn(dst, e.ExpiresIn)
	return append(dst, '}')
}

func (e Subscribed) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"type":"subscribed"`...)
	dst = appendID(dst, e.ID)
	dst = appendChannel(dst, e.Channel)
	dst = appendPosition(dst, e.Epoch, e.Seq, e.Cursor, e.Pending)
	return append(dst, '}')
}

func (e Gap) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"type":"gap"`...)
	dst = appendChannel(dst, e.Channel)
	dst = append(dst, `,"from":`...)
	dst = strconv.AppendUint(dst, e.From, 10)
	dst = append(dst, `,"to":`...)
	dst = strconv.AppendUint(dst, e.To, 10)
	dst = append(dst, `,"reason":`...)
	dst = appendString(dst, string(e.Reason))
	return append(dst, '}')
}

func (e Unsubscribed) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"type":"unsubscribed"`...)
	dst = appendID(dst, e.ID)
	dst = appendChannel(dst, e.Channel)
	dst = appendOptional(dst, `,"reason":`, string(e.Reason))
	return append(dst, '}')
}

func (e Published) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"type":"published"`...)
	dst = appendID(dst, e.ID)
	dst = appendChannel(dst, e.Channel)
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendUint(dst, e.Seq, 10)
	if e.Duplicate {
		dst = append(dst, `,"duplicate":true`...)
	}
	return append(dst, '}')
}

func (e Error) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"type":"error"`...)
	dst = appendID(dst, e.ID)
	dst = append(dst, `,"code":`...)
	dst = appendString(dst, string(e.Code))
	dst = append(dst, `,"message":`...)
	dst = appendString(dst, e.Message)
	if e.RetryAfter > 0 {
		dst = appendRetryAfter(dst, e.RetryAfter)
	}
	return append(dst, '}')
}

func (e Closing) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"type":"closing","code":`...)
	dst = strconv.AppendUint(dst, uint64(e.Code), 10)
	dst = append(dst, `,"reason":`...)
	dst = appendString(dst, e.Reason)
	dst = append(dst, `,"reconnect":`...)
	dst = strconv.AppendBool(dst, e.Reconnect)
	dst = appendRetryAfter(dst, e.RetryAfter)
	return append(dst, '}')
}

func (e Pong) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"type":"pong"`...)
	dst = appendID(dst, e.ID)
	return append(dst, '}')
}

func appendID(dst []byte, id ID) []byte {
	if id == "" {
		return dst
	}
	dst = append(dst, `,"id":`...)
	return append(dst, id...)
}

func appendChannel(dst []byte, channel string) []byte {
	dst = append(dst, `,"channel":`...)
	return appendString(dst, channel)
}

func appendPosition(dst []byte, epoch string, seq, cursor, pending uint64) []byte {
	dst = append(dst, `,"epoch":`...)
	dst = appendString(dst, epoch)
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendUint(dst, seq, 10)
	dst = append(dst, `,"cursor":`...)
	dst = strconv.AppendUint(dst, cursor, 10)
	dst = append(dst, `,"pending":`...)
	return strconv.AppendUint(dst, pending, 10)
}

func appendExpiresIn(dst []byte, seconds int) []byte {
	dst = append(dst, `,"expiresIn":`...)
	return strconv.AppendInt(dst, int64(seconds), 10)
}

// appendRetryAfter rounds up, so that a wait never becomes none.
func appendRetryAfter(dst []byte, wait time.Duration) []byte {
	millis := wait.Milliseconds()
	if wait%time.Millisecond > 0 {
		millis++
	}
	dst = append(dst, `,"retryAfter":`...)
	return strconv.AppendInt(dst, max(millis, 0), 10)
}

// appendOptional appends the key, written as `,"key":`, and the value unless that is empty.
func appendOptional(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, key...)
	return appendString(dst, value)
}
