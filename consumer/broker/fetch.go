package broker

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
)

const readCommitted int8 = 1

// Errors of Fetch that kafka-go has no names for: the topic was deleted, and
// perhaps created again.
const (
	UnknownTopicID      = kafka.Error(100)
	InconsistentTopicID = kafka.Error(103)
)

// Fetch asks for the records of one partition.
type Fetch struct {
	Topic     ID
	Partition int
	Offset    int64
	// MaxBytes of compressed batches; the first is answered whatever its size.
	MaxBytes int
	// MaxWait is how long the broker may wait for the first record.
	MaxWait time.Duration
}

// Fetch answers the records from an offset on, as far as transactions have come
// to an end. An error that is a kafka.Error is the partition's; the connection
// can still be used.
func (c *Conn) Fetch(ctx context.Context, f Fetch) (*Records, error) {
	r, err := c.roundTrip(ctx, fetchAPI, f.MaxWait, func(q *request) {
		q.int32(-1) // a client, not a replica
		q.int32(int32(f.MaxWait.Milliseconds()))
		q.int32(1) // least bytes
		q.int32(int32(f.MaxBytes))
		q.int8(readCommitted)
		q.int32(0)  // no session
		q.int32(-1) // its epoch
		q.compactLength(1)
		q.id(f.Topic)
		q.compactLength(1)
		q.int32(int32(f.Partition))
		q.int32(-1) // leader epoch
		q.int64(f.Offset)
		q.int32(-1) // epoch of the last fetch
		q.int64(-1) // log start
		q.int32(int32(f.MaxBytes))
		q.noTags()
		q.noTags()
		q.compactLength(0) // forgotten topics
		q.compactString("")
		q.noTags()
	})
	if err != nil {
		return nil, err
	}
	records, err := readFetch(r, f.Offset)
	if err != nil {
		return nil, fmt.Errorf("Fetch from %s: %w", c.address, err)
	}
	return records, nil
}

func readFetch(r *response, from int64) (*Records, error) {
	records := newRecords(from)
	r.int32() // throttle
	code := kafka.Error(r.int16())
	r.int32() // session
	r.compactArray(func() {
		r.id()
		r.compactArray(func() {
			r.int32() // partition
			if c := kafka.Error(r.int16()); c != 0 {
				code = c
			}
			r.int64() // high watermark
			records.End = r.int64()
			r.int64() // log start
			r.compactArray(func() {
				records.aborted = append(records.aborted, transaction{producer: r.int64(), first: r.int64()})
			})
			r.int32() // preferred replica
			records.set = r.compactBytes()
		})
	})
	if err := r.err(); err != nil {
		return nil, err
	}
	if code != 0 {
		return nil, code
	}
	slices.SortFunc(records.aborted, func(a, b transaction) int { return int(min(1, max(-1, a.first-b.first))) })
	return records, nil
}
