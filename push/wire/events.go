package wire

import "time"

// Event is what one server→client frame says. The types of this package that implement it are all there are.
// Encode takes a Message by pointer, every other event by value.
type Event interface {
	// appendJSON appends the event as one JSON object to dst. The fields that the protocol marks as optional are
	// left out when they are empty.
	appendJSON(dst []byte) []byte
}

// ID is the number that a client gave its request: the raw JSON number as it was sent, or "" if there was none.
// Only Decode makes one; Encode copies it into the answer as it is.
type ID string

// Connected is the first event of every connection.
type Connected struct {
	Connection    string
	Node          string
	Subscriber    string // optional
	Heartbeat     int    // seconds between the server's pings
	MaxFrame      int    // bytes of the largest frame that the client may send
	Subscriptions []OpenSubscription
}

// OpenSubscription is a durable subscription that the server reopened for a connection.
type OpenSubscription struct {
	Channel string
	Epoch   string
	Seq     uint64 // the channel's newest
	Cursor  uint64 // delivery starts after it
	Pending uint64 // messages after the cursor
}

// Authenticated answers an auth request.
type Authenticated struct {
	ID         ID
	Subscriber string
	ExpiresIn  int // seconds, 0 = never
}

// TokenExpiring asks the client for a new token.
type TokenExpiring struct {
	ExpiresIn int // seconds
}

// Subscribed answers a subscribe request.
type Subscribed struct {
	ID      ID
	Channel string
	Epoch   string
	Seq     uint64 // the channel's newest
	Cursor  uint64 // delivery starts after it
	Pending uint64 // messages after the cursor
}

// Gap tells a subscriber that it will not get a range of messages.
type Gap struct {
	Channel  string
	From, To uint64 // inclusive
	Reason   GapReason
}

// Unsubscribed tells that a subscription is closed, asked for or not.
type Unsubscribed struct {
	ID      ID
	Channel string
	Reason  UnsubscribeReason // optional
}

// Published answers a publish request.
type Published struct {
	ID        ID
	Channel   string
	Seq       uint64
	Duplicate bool // the message id had been published already, with this seq
}

// Error answers a request that failed.
type Error struct {
	ID         ID
	Code       Code
	Message    string
	RetryAfter time.Duration // optional, sent in milliseconds, rounded up
}

// Closing announces that the server is about to close the connection.
type Closing struct {
	Code       CloseCode
	Reason     string
	Reconnect  bool
	RetryAfter time.Duration // sent in milliseconds, rounded up
}

// Pong answers a ping request.
type Pong struct {
	ID ID
}
