package store

import "time"

// From says where a first durable subscription starts.
type From struct {
	Start Start
	// Seq is used by StartAfter: delivery starts behind it. It is brought into
	// [Floor, LastSeq] by the store.
	Seq uint64
}

// Start is a way to find the first position.
type Start uint8

// The ways.
const (
	StartNew      Start = iota // after the newest message
	StartEarliest              // at the oldest retained message
	StartAfter                 // after From.Seq
)

// NewSubscription asks for a durable subscription.
type NewSubscription struct {
	Subscriber, Channel string
	From                From
	Now                 time.Time
}

// Subscription is a durable subscription: what a subscriber has handled of a
// channel.
type Subscription struct {
	Subscriber string
	Tail              // of its channel, read together with the cursor
	Cursor     uint64 // the highest seq that was acked
	StartSeq   uint64 // the cursor that it was created with: later messages count as addressed to it
	Created    time.Time
	// Existed: it was there before this Subscribe, which therefore changed nothing.
	Existed bool
	// OldestPending is when the oldest message after the cursor was published;
	// filled by ListSubscriptions only; zero when nothing is pending.
	OldestPending time.Time
}

// Pending is the number of messages after the cursor (see Tail.Pending).
func (s Subscription) Pending() uint64 { return s.Tail.Pending(s.Cursor) }

// SubscriptionKey names a durable subscription.
type SubscriptionKey struct{ Subscriber, Channel string }

// Key is the name of s.
func (s Subscription) Key() SubscriptionKey {
	return SubscriptionKey{Subscriber: s.Subscriber, Channel: s.Channel}
}

// Cursor moves a durable subscription forward.
type Cursor struct {
	SubscriptionKey
	Seq uint64
}

// SubscriptionQuery lists durable subscriptions in ascending byte order of
// (Subscriber, Channel). Empty fields match everything.
type SubscriptionQuery struct {
	Subscriber, Channel string
	// After is the key that the page starts behind.
	After SubscriptionKey
	Limit int
}
