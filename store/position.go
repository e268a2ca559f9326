package store

import "fmt"

// SourceKey names a stream of an external source, such as a partition of a
// Kafka topic.
type SourceKey struct {
	// Source says which cluster, or which group of settings for one; like Topic,
	// 1 to 255 bytes of UTF-8 without control characters.
	Source, Topic string
	// Partition is from 0 to 2³¹-1.
	Partition int
}

// Position says which records of a source a Batch stands for: those with the
// offsets First to Next-1, whether they became messages or not.
type Position struct {
	SourceKey
	// Incarnation is the identity of the topic, at most 255 bytes; "" where the
	// source has none. Each has a position of its own: the offsets of another one
	// start anew.
	Incarnation string
	// Life is how often the topic's log was cut back, from 0 to 2³¹-1. The offsets
	// of a higher one start anew, and nothing of a lower one is taken any more.
	Life int
	// First is at least 0, Next at least First.
	First, Next int64
}

// Replays says that some of the records that p stands for may be in stored, which
// is of the same key, already.
func (p Position) Replays(stored Position) bool {
	return p.Incarnation == stored.Incarnation &&
		(p.Life < stored.Life || p.Life == stored.Life && p.First < stored.Next)
}

// ReplayedError is an ErrReplayed that tells what is stored.
type ReplayedError struct {
	// Stored is the position in the store, of the same incarnation; its First is
	// its Next.
	Stored Position
}

func (e *ReplayedError) Error() string {
	return fmt.Sprintf("%s/%s/%d: %v up to offset %d", e.Stored.Source, e.Stored.Topic, e.Stored.Partition, ErrReplayed, e.Stored.Next)
}

// Is makes errors.Is(err, ErrReplayed) true.
func (e *ReplayedError) Is(target error) bool { return target == ErrReplayed }
