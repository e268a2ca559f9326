package store

import "time"

// Revocation says which tokens of clients are not good any more: the one with the
// id, or those of a subscriber, or of everybody, that were issued before a time.
type Revocation struct {
	// Number grows with every change of any revocation; the store gives it.
	Number uint64
	// Subscriber and TokenID, each at most 255 bytes, name it together; "" is
	// anybody, and any.
	Subscriber, TokenID string
	IssuedBefore        time.Time
	// Expires is when it may be forgotten.
	Expires time.Time
	Created time.Time
}
