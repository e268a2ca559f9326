package push

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"pushgate/push/wire"
	"pushgate/store"
)

// Bounds of what travels beside a payload.
const (
	maxContentType = 255
	maxHeaders     = 64
	maxHeaderBytes = 16 << 10 // keys and values of one message together
)

// Publication is a message on its way in.
type Publication struct {
	Channel     string
	Data        []byte // not to be changed any more
	ContentType string // "" means application/json
	Headers     map[string]string
	// MessageID is the idempotency key; one is generated when it is empty.
	MessageID string
	// TTL is the message's own time to live; 0 leaves it to the namespace. One
	// that is longer than the namespace's retention has no effect.
	TTL time.Duration
	// Ephemeral: hand it to whoever is online and store nothing.
	Ephemeral bool
}

// Published is the answer to a Publication.
type Published struct {
	Seq       uint64 // 0: ephemeral
	Epoch     string // "" for an ephemeral message
	MessageID string
	Duplicate bool
	Time      time.Time
}

// message checks a publication and makes it a message; it never keeps a
// reference to the header map.
func (p Publication) message(maxPayload int, now time.Time) (store.Message, error) {
	var none store.Message
	if err := ValidateChannel(p.Channel); err != nil {
		return none, err
	}
	if len(p.Data) > maxPayload {
		return none, invalid("data", "data is %d bytes long; the limit is %d", len(p.Data), maxPayload)
	}
	if err := validateContentType(p.ContentType); err != nil {
		return none, err
	}
	if wire.IsJSON(p.ContentType) && !wire.ValidJSON(p.Data) {
		return none, invalid("data", "data is not valid JSON; set content_type if it is something else")
	}
	if p.MessageID != "" {
		if err := validateName("message_id", p.MessageID); err != nil {
			return none, err
		}
	}
	if p.TTL < 0 {
		return none, invalid("ttl", "ttl is negative")
	}
	headers, err := encodeHeaders(p.Headers)
	if err != nil {
		return none, err
	}
	m := store.Message{
		Channel: p.Channel, ID: p.MessageID, Data: p.Data, ContentType: p.ContentType,
		Headers: headers, Time: now.Truncate(time.Millisecond),
	}
	if p.TTL > 0 {
		m.Expires = m.Time.Add(max(p.TTL, time.Millisecond)).Truncate(time.Millisecond)
	}
	return m, nil
}

func validateContentType(contentType string) error {
	if contentType == "" {
		return nil
	}
	if len(contentType) > maxContentType {
		return invalid("content_type", "content_type is %d bytes long; the limit is %d", len(contentType), maxContentType)
	}
	for _, c := range []byte(contentType) {
		if c < ' ' || c > '~' {
			return invalid("content_type", "content_type has a character that is not printable ASCII")
		}
	}
	if !strings.Contains(contentType, "/") {
		return invalid("content_type", "content_type %q is not a media type such as text/plain", contentType)
	}
	return nil
}

// encodeHeaders makes the canonical form: a JSON object with sorted keys, so
// that a frame is the same bytes whether it comes from memory or the store.
func encodeHeaders(headers map[string]string) ([]byte, error) {
	if len(headers) == 0 {
		return nil, nil
	}
	if len(headers) > maxHeaders {
		return nil, invalid("headers", "%d headers; the limit is %d", len(headers), maxHeaders)
	}
	size := 0
	for key, value := range headers {
		if key == "" {
			return nil, invalid("headers", "a header has an empty name")
		}
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return nil, invalid("headers", "header %q is not valid UTF-8", key)
		}
		size += len(key) + len(value)
	}
	if size > maxHeaderBytes {
		return nil, invalid("headers", "headers are %d bytes long; the limit is %d", size, maxHeaderBytes)
	}
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(headers); err != nil {
		return nil, invalid("headers", "headers cannot be written as JSON")
	}
	return []byte(strings.TrimSuffix(out.String(), "\n")), nil
}
