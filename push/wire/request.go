package wire

// The types of the requests. Decode lets any other through; the session answers it.
const (
	TypeAuth        = "auth"
	TypeSubscribe   = "subscribe"
	TypeUnsubscribe = "unsubscribe"
	TypeAck         = "ack"
	TypePublish     = "publish"
	TypePing        = "ping"
)

// RequestTypes are all of them.
var RequestTypes = []string{TypeAuth, TypeSubscribe, TypeUnsubscribe, TypeAck, TypePublish, TypePing}

// The bounds of a request's fields.
const (
	MaxSeq       = 1<<53 - 1 // the largest whole number that JavaScript counts exactly
	MaxWindow    = 4096      // messages
	MaxChannel   = 255       // bytes
	MaxEpoch     = 255       // bytes
	MaxMessageID = 255       // bytes
	MaxToken     = 16 << 10  // bytes
	maxID        = 32        // bytes
	maxDepth     = 128       // objects and arrays within one another
)

// Request is one client→server frame. Only the fields that its type uses are filled in, and nothing of it points into
// the frame that it was decoded from.
type Request struct {
	Type      string
	ID        ID
	Channel   string // 1 to MaxChannel bytes; which characters it may have is not checked here
	Durable   *bool  // nil = the default
	From      From
	Epoch     string // "" = none
	Window    int    // messages, 0 = the default
	Forget    bool
	Seq       uint64 // at most MaxSeq
	Data      []byte // the JSON exactly as it was sent
	MessageID string // "" = none
	Token     string
}

// FromMode says where a subscription starts.
type FromMode uint8

// The modes of a From.
const (
	FromDefault  FromMode = iota // the client did not say
	FromCursor                   // after the stored cursor
	FromNew                      // only what is published from now on
	FromEarliest                 // the oldest message that is retained
	FromSeq                      // after From.Seq
)

// From is where a subscription starts.
type From struct {
	Mode FromMode
	Seq  uint64 // with FromSeq only, at most MaxSeq
}

// RequestError says what is wrong with a frame; its code is CodeInvalidArgument.
type RequestError struct {
	ID        ID     // the request's, if it could be read
	Message   string // for the client
	Malformed bool   // the frame is not one JSON object; otherwise it is one, with a wrong field
}

// Error is the message for the client.
func (e *RequestError) Error() string { return e.Message }
