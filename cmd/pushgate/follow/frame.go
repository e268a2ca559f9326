package follow

import (
	"encoding/json"
	"fmt"
)

// Message is a message of a channel.
type Message struct {
	Channel     string
	Seq         uint64 // 0: ephemeral
	ContentType string // "": JSON
	// Data is the payload: JSON as it was published, or a JSON string with text.
	// Data64 is base64 of one that is neither.
	Data   json.RawMessage
	Data64 string
	// Frame is all that the server sent.
	Frame []byte
}

// Gap is a range of seqs, both ends inclusive, that will not come.
type Gap struct {
	Channel  string
	From, To uint64
	Reason   string
}

// frame holds the fields of all frames of the server.
type frame struct {
	Type        string          `json:"type"`
	ID          int             `json:"id"`
	Channel     string          `json:"channel"`
	Subscriber  string          `json:"subscriber"`
	Seq         uint64          `json:"seq"`
	Epoch       string          `json:"epoch"`
	Cursor      uint64          `json:"cursor"`
	Data        json.RawMessage `json:"data"`
	Data64      string          `json:"data64"`
	ContentType string          `json:"contentType"`
	From        uint64          `json:"from"`
	To          uint64          `json:"to"`
	Reason      string          `json:"reason"`
	Code        json.RawMessage `json:"code"`
	Message     string          `json:"message"`
	Heartbeat   int64           `json:"heartbeat"`
	Reconnect   bool            `json:"reconnect"`
	RetryAfter  int64           `json:"retryAfter"`

	raw []byte
}

func decode(raw []byte) (frame, error) {
	f := frame{raw: raw}
	if err := json.Unmarshal(raw, &f); err != nil {
		return f, fmt.Errorf("the server sent what is no frame: %w", err)
	}
	return f, nil
}

// request is a frame to the server.
type request struct {
	Type    string `json:"type"`
	ID      int    `json:"id,omitempty"`
	Channel string `json:"channel"`
	From    any    `json:"from,omitempty"`
	Epoch   string `json:"epoch,omitempty"`
	Seq     uint64 `json:"seq,omitempty"`
}
