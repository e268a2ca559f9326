package store

import "time"

// Message is an immutable record in a channel.
type Message struct {
	Channel string
	// Seq is the position in the channel, from 1; 0 on an ephemeral message,
	// which is never stored.
	Seq uint64
	// ID is the message id: the publisher's, or GeneratedID when it gave none.
	ID string
	// Data is the payload. It is shared: nobody may change it.
	Data []byte
	// ContentType is the media type; "" means application/json.
	ContentType string
	// Headers is a JSON object of strings with sorted keys; nil when there are none.
	Headers []byte
	// Time is when the message was published, in whole milliseconds.
	Time time.Time
	// Expires is the end of the message's own time to live; zero when only the
	// retention of its namespace ends it.
	Expires time.Time
}

// Batch is what one Append stores in one transaction.
type Batch struct {
	// Messages in the order in which they get their seq, of any number of
	// channels. Seq is ignored; ID "" asks for a generated one.
	Messages []Message
	// Position is that of the source whose records the messages are; nil for
	// messages that come from none. A batch without messages only advances it.
	Position *Position
}

// Appended says what became of one message of a Batch.
type Appended struct {
	Seq   uint64
	Epoch string
	// ID is the message's id, generated if the publisher gave none.
	ID string
	// Duplicate: the channel holds a message with this ID already; Seq and Time
	// are that message's, and nothing was stored.
	Duplicate bool
	Time      time.Time
}
