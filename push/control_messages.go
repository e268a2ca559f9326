package push

import (
	"context"
	"fmt"

	"pushgate/push/wire"
	"pushgate/store"
)

// Receipt is a message with what its durable subscribers have said to it.
type Receipt struct {
	store.Message
	Deliveries []Receiver // at most as many as were asked for
	Addressed  int        // durable subscriptions that existed when it was published
	Acked      int        // how many of them have acked it
}

// Receiver is one durable subscriber of a message.
type Receiver struct {
	Subscriber string
	Acked      bool
}

// listingBytes bounds the payloads of one page of Messages: with what comes beside
// them they fit into the 4 MiB that gRPC clients take by default.
const listingBytes = 3 << 20

// Messages is a page of a channel's retained messages after a seq, with their
// receipts, and whether more follow.
func (e *Engine) Messages(ctx context.Context, channel string, after uint64, limit, maxDeliveries int) ([]Receipt, store.Page, error) {
	if err := ValidateChannel(channel); err != nil {
		return nil, store.Page{}, err
	}
	pages, err := e.store.Pages(ctx, e.now(), []store.PageRequest{{Channel: channel, After: after, Limit: limit, Bytes: listingBytes}})
	if err != nil {
		return nil, store.Page{}, fmt.Errorf("reading messages: %w", err)
	}
	receipts, err := e.receipts(ctx, channel, pages[0].Messages, maxDeliveries)
	return receipts, pages[0], err
}

// Message finds one retained message by its seq, or by its id if that is not empty.
func (e *Engine) Message(ctx context.Context, channel string, seq uint64, id string, maxDeliveries int) (Receipt, store.Tail, error) {
	if err := ValidateChannel(channel); err != nil {
		return Receipt{}, store.Tail{}, err
	}
	if id != "" {
		m, err := e.store.FindMessage(ctx, e.now(), channel, id)
		if err != nil {
			return Receipt{}, store.Tail{}, fmt.Errorf("looking up a message: %w", err)
		}
		seq = m.Seq
	}
	if seq == 0 {
		return Receipt{}, store.Tail{}, invalid("seq", "seq is 0; messages are numbered from 1")
	}
	receipts, page, err := e.Messages(ctx, channel, seq-1, 1, maxDeliveries)
	if err != nil {
		return Receipt{}, page.Tail, err
	}
	if len(receipts) == 0 || receipts[0].Seq != seq {
		return Receipt{}, page.Tail, refused(wire.CodeNotFound, "channel %q retains no message %d", clip(channel), seq)
	}
	return receipts[0], page.Tail, nil
}

// receipts joins messages with the channel's subscriptions, page by page.
func (e *Engine) receipts(ctx context.Context, channel string, messages []store.Message, maxDeliveries int) ([]Receipt, error) {
	receipts := make([]Receipt, len(messages))
	for i, m := range messages {
		receipts[i].Message = m
	}
	query := store.SubscriptionQuery{Channel: channel, Limit: MaxPage}
	for len(messages) > 0 {
		page, err := e.ListSubscriptions(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, s := range page {
			for i := range receipts {
				receipts[i].count(s.Subscription, maxDeliveries)
			}
			query.After = s.Key()
		}
		if len(page) < query.Limit {
			break
		}
	}
	return receipts, nil
}

func (r *Receipt) count(s store.Subscription, maxDeliveries int) {
	if s.StartSeq >= r.Seq {
		return
	}
	acked := s.Cursor >= r.Seq
	r.Addressed++
	if acked {
		r.Acked++
	}
	if len(r.Deliveries) < maxDeliveries {
		r.Deliveries = append(r.Deliveries, Receiver{Subscriber: s.Subscriber, Acked: acked})
	}
}
