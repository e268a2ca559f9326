package consumer

import (
	"context"
	"errors"
	"io"
	"time"

	"pushgate/consumer/broker"
)

// gatherer makes batches of what a fetcher brings.
type gatherer struct {
	*worker
	fetcher  *fetcher
	position int64           // where the next batch begins
	answer   *broker.Records // being read
	several  bool            // the last batch had more than one record
	began    time.Time       // when the first record of the batch came
}

// forever is no time-out.
const forever time.Duration = -1

// next waits for records and makes a batch of them and of those that come soon
// after. The batch may be empty, and may come with an error: what it holds is to
// be stored before the error is looked at.
func (g *gatherer) next(ctx context.Context) (*batch, error) {
	b := &batch{first: g.position, next: g.position}
	var failure error
	for failure == nil && b.records < g.source.BatchRecords && len(b.messages) < g.source.BatchRecords && b.bytes < g.batchBytes() {
		if g.answer == nil {
			if g.answer, failure = g.fetcher.take(ctx, g.patience(b)); failure != nil {
				break
			}
		}
		record, err := g.answer.Next(2*g.cfg.MaxPayload + 64<<10)
		switch {
		case errors.Is(err, io.EOF):
			b.next = max(b.next, g.answer.Position())
			g.progress.read(g.answer.End)
			g.answer = nil
		case err != nil:
			failure = err
		default:
			if b.next == b.first {
				g.began = time.Now()
			}
			g.add(b, record)
		}
	}
	if errors.Is(failure, errNothing) {
		failure = nil
	}
	g.position, g.several = b.next, b.records > 1
	return b, failure
}

// patience is how long to wait for more. Nobody waits for a single record to get
// company, so that one alone is stored at once.
func (g *gatherer) patience(b *batch) time.Duration {
	switch {
	case b.next == b.first:
		return forever
	case g.several:
		return max(0, g.source.Linger-time.Since(g.began))
	default:
		return 0
	}
}

func (g *gatherer) add(b *batch, r broker.Record) {
	if r.Value == nil && !r.TooLong {
		b.tombstone(r)
		return
	}
	messages, bad := g.source.mapper.messages(g.progress.Topic, r, g.cfg.MaxPayload)
	b.add(r, messages, bad)
}

func (g *gatherer) close() {
	if g.answer != nil {
		g.answer.Close()
	}
}
