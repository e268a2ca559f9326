package broker

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go"
)

// Partition names a partition of a topic.
type Partition struct {
	Topic string
	ID    int
}

// String is as people write it.
func (p Partition) String() string { return fmt.Sprintf("%s/%d", p.Topic, p.ID) }

// The two ends of a partition's log.
const (
	earliest int64 = -2
	latest   int64 = -1
)

// First asks for the offset of the oldest record of partitions that this broker
// leads. One that it cannot answer for is left out, and the error says why.
func (c *Conn) First(ctx context.Context, partitions ...Partition) (map[Partition]int64, error) {
	return c.offsets(ctx, earliest, partitions)
}

// End asks for the offset behind the newest record that a reader may see (of
// transactions under way it sees none), as First does.
func (c *Conn) End(ctx context.Context, partitions ...Partition) (map[Partition]int64, error) {
	return c.offsets(ctx, latest, partitions)
}

func (c *Conn) offsets(ctx context.Context, which int64, partitions []Partition) (map[Partition]int64, error) {
	r, err := c.roundTrip(ctx, offsetsAPI, 0, func(q *request) {
		q.int32(-1) // a client, not a replica
		q.int8(readCommitted)
		q.int32(int32(len(partitions)))
		for _, p := range partitions {
			q.string(p.Topic)
			q.int32(1)
			q.int32(int32(p.ID))
			q.int32(-1) // leader epoch
			q.int64(which)
		}
	})
	if err != nil {
		return nil, err
	}
	return readOffsets(r)
}

func readOffsets(r *response) (map[Partition]int64, error) {
	found := map[Partition]int64{}
	var failure error
	r.int32() // throttle
	r.array(func() {
		topic := r.string()
		r.array(func() {
			p := Partition{Topic: topic, ID: int(r.int32())}
			code := kafka.Error(r.int16())
			r.int64() // time
			offset := r.int64()
			r.int32() // leader epoch
			if code == 0 {
				found[p] = offset
			} else {
				failure = fmt.Errorf("offsets of %s: %w", p, code)
			}
		})
	})
	if err := r.err(); err != nil {
		return nil, err
	}
	return found, failure
}
