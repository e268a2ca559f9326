package consumer

import (
	"slices"
	"strings"
	"text/template"
	"time"

	"pushgate/consumer/broker"
)

// Mapping says how a record becomes messages.
type Mapping struct {
	// Channel is a template (text/template) of the channel's name over .Topic,
	// .Key, .Headers and .JSON; without any {{ }} the channel is fixed. What is
	// not there is an error, not an empty text.
	Channel string
	// ForEach names a top-level field of the JSON payload that is a list: there
	// is one message for each of its items, which the template sees as .Item.
	ForEach string
	Format  Format
	// ContentType is that of the payload where no header tells; "" is JSON.
	ContentType string
	// Headers of the record that become headers of the message.
	Headers []string
}

// Format says what a record's value is.
type Format string

// The formats.
const (
	Raw         Format = "raw"         // the payload
	CloudEvents Format = "cloudevents" // an event, in binary or structured mode
)

// Headers of a record that say something about the message.
const (
	headerContentType = "content-type"
	headerTTL         = "pushgate-ttl"       // a duration, as 30s
	headerEphemeral   = "pushgate-ephemeral" // true or false
)

// maxFanOut bounds the messages of one record: they share a transaction.
const maxFanOut = 1000

// mapper is a Mapping that can be used, by several goroutines.
type mapper struct {
	Mapping
	channel *template.Template
}

func newMapper(m Mapping) (*mapper, *KeyError) {
	if m.Format != Raw && m.Format != CloudEvents {
		return nil, badKey("format", "%q is not one of raw, cloudevents", m.Format)
	}
	channel, err := parseChannel(m.Channel, m.ForEach != "")
	if err != nil {
		return nil, err
	}
	return &mapper{Mapping: m, channel: channel}, nil
}

// badRecord is why a record cannot become a message.
type badRecord struct {
	// reason is one of few words, for metrics.
	reason string
	text   string
}

func (b *badRecord) Error() string { return b.text }

// Reasons.
const (
	reasonChannel = "channel" // the template cannot be filled in
	reasonJSON    = "json"    // the payload is not the JSON that the mapping needs
	reasonEvent   = "event"   // not a CloudEvent
	reasonHeader  = "header"  // a header that says something about the message is wrong
	reasonSize    = "size"    // larger than the limit
	reasonRefused = "refused" // the engine does not take the message
)

// messages makes a record's messages. maxPayload is the engine's limit.
func (m *mapper) messages(topic string, r broker.Record, maxPayload int) ([]Message, *badRecord) {
	if r.TooLong {
		return nil, &badRecord{reasonSize, "the record is larger than can be read"}
	}
	v := &view{Topic: topic, Key: string(r.Key), Headers: headersOf(r), data: r.Value}
	base := Message{Data: r.Value, ContentType: m.ContentType}
	if t, ok := v.Headers[headerContentType]; ok {
		base.ContentType = t
	}
	for _, name := range m.Headers {
		if value, ok := v.Headers[name]; ok {
			base.setHeader(name, value)
		}
	}
	if m.Format == CloudEvents {
		if bad := base.readEvent(v); bad != nil {
			return nil, bad
		}
		v.data = base.Data
	}
	if len(base.Data) > maxPayload {
		return nil, &badRecord{reasonSize, "the payload is larger than limits.max_payload"}
	}
	if bad := base.readControls(v.Headers); bad != nil {
		return nil, bad
	}
	channels, bad := m.channels(v)
	if bad != nil {
		return nil, bad
	}
	messages := make([]Message, len(channels))
	for i, channel := range channels {
		messages[i] = base
		messages[i].Channel = channel
	}
	return messages, nil
}

// channels are those that the record goes to, each once.
func (m *mapper) channels(v *view) ([]string, *badRecord) {
	if m.ForEach == "" {
		channel, bad := m.execute(v)
		return []string{channel}, bad
	}
	items, bad := v.list(m.ForEach)
	if bad != nil {
		return nil, bad
	}
	if len(items) > maxFanOut {
		return nil, &badRecord{reasonChannel, "the list has too many items"}
	}
	var channels []string
	for _, item := range items {
		v.Item = item
		channel, bad := m.execute(v)
		if bad != nil {
			return nil, bad
		}
		if !slices.Contains(channels, channel) {
			channels = append(channels, channel)
		}
	}
	return channels, nil
}

func (m *mapper) execute(v *view) (string, *badRecord) {
	var out strings.Builder
	if err := m.channel.Execute(&out, v); err != nil {
		if v.bad != nil {
			return "", v.bad
		}
		return "", &badRecord{reasonChannel, templateError(err)}
	}
	if out.Len() == 0 {
		return "", &badRecord{reasonChannel, "the name of the channel is empty"}
	}
	return out.String(), nil
}

// readControls takes what headers say about how to deliver the message.
func (msg *Message) readControls(headers map[string]string) *badRecord {
	if text, ok := headers[headerTTL]; ok {
		ttl, err := time.ParseDuration(text)
		if err != nil || ttl <= 0 {
			return &badRecord{reasonHeader, headerTTL + " is not a positive duration, as 30s"}
		}
		msg.TTL = ttl
	}
	switch text := headers[headerEphemeral]; text {
	case "true":
		msg.Ephemeral = true
	case "", "false":
	default:
		return &badRecord{reasonHeader, headerEphemeral + " is neither true nor false"}
	}
	return nil
}

// setHeader sets a header of the message.
func (msg *Message) setHeader(name, value string) {
	if msg.Headers == nil {
		msg.Headers = map[string]string{}
	}
	msg.Headers[name] = value
}
