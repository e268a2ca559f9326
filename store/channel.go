package store

import "time"

// Reason says why a range of a channel was removed. The values are those of
// the protocol's gap frame.
type Reason string

// The reasons that a store can have.
const (
	ReasonExpired Reason = "expired" // older than the retention, or past its time to live
	ReasonLimit   Reason = "limit"   // over the number or the bytes that the namespace retains
	ReasonPurged  Reason = "purged"  // removed by an operator
)

// Tail is where a channel ends. A channel that was never published to has
// LastSeq 0 and the epoch that it would be created with.
type Tail struct {
	Channel string
	Epoch   string
	LastSeq uint64
	Floor   uint64
	// FloorReason is why the newest part of the removed head is gone; "" when
	// Floor is 0.
	FloorReason Reason
}

// Oldest is the oldest seq that may still be read, or LastSeq+1 when there is none.
func (t Tail) Oldest() uint64 { return t.Floor + 1 }

// Pending is how many messages a cursor still has before it, counted by
// position: a message whose time to live ended in the middle still counts.
func (t Tail) Pending(cursor uint64) uint64 {
	return t.LastSeq - min(max(cursor, t.Floor), t.LastSeq)
}

// PageRequest asks for the messages of a channel after a position.
type PageRequest struct {
	Channel string
	After   uint64
	// Limit is the greatest number of messages, at least 1.
	Limit int
	// Bytes bounds the sum of the payloads, except that a page holds at least
	// one message where there is one.
	Bytes int
}

// Page is the answer to a PageRequest: one consistent view of the channel.
type Page struct {
	Tail
	// Messages in ascending order, none at or below Floor, none whose time to
	// live had ended. A seq that is missing between them has expired.
	Messages []Message
	// More says that messages after the last of this page may be there; when it
	// is false, everything between the last message (or After) and LastSeq that
	// is not in Messages is gone for good.
	More bool
}

// Channel describes a channel to an operator and to the retention.
type Channel struct {
	Tail
	// Messages and Bytes (payloads only) that are retained.
	Messages, Bytes uint64
	// OldestTime is when the oldest retained message was published; zero when
	// there is none.
	OldestTime time.Time
	// Removable says that rows at or below Floor are still there: Trim removes them.
	Removable bool
	// Subscriptions is the number of durable subscriptions; filled only when asked for.
	Subscriptions uint64
}

// ChannelQuery lists channels in ascending byte order of their names.
type ChannelQuery struct {
	Prefix string
	// After is the name that the page starts behind; "" starts at the beginning.
	After string
	Limit int
	// CountSubscriptions fills Channel.Subscriptions, which costs a count a channel.
	CountSubscriptions bool
}

// Trim removes the head of a channel in one small step.
type Trim struct {
	Channel string
	// Before: messages published before it go (ReasonExpired); zero keeps all.
	Before time.Time
	// KeepMessages and KeepBytes: the oldest messages over these go
	// (ReasonLimit); 0 means no limit. The newest message stays whatever its size.
	KeepMessages, KeepBytes uint64
	// PurgeTo: everything up to this seq (at most LastSeq) goes at once
	// (ReasonPurged), whatever Limit is: Floor jumps, and the rows follow in steps.
	PurgeTo uint64
	// Limit is the greatest number of rows that this step deletes.
	Limit int
}

// Trimmed says what one step of Trim did.
type Trimmed struct {
	Tail
	// Deleted is the number of rows removed by this step.
	Deleted int
	// More says that a further step would remove more.
	More bool
}
