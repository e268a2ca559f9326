package rpc

import (
	"context"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/server/auth/caller"
)

// maxBatch is the greatest number of items of one batch or broadcast.
const maxBatch = 10_000

// PublishBatch publishes several messages.
func (p *publishService) PublishBatch(ctx context.Context, r *pb.PublishBatchRequest) (*pb.PublishBatchResponse, error) {
	if err := batchSize("requests", len(r.GetRequests())); err != nil {
		return nil, p.server.fail(ctx, err)
	}
	results, err := p.publishAll(ctx, r.GetRequests())
	if err != nil {
		return nil, p.server.fail(ctx, err)
	}
	return &pb.PublishBatchResponse{Results: results}, nil
}

// Broadcast publishes one payload to many channels. The messages share it.
func (p *publishService) Broadcast(ctx context.Context, r *pb.BroadcastRequest) (*pb.BroadcastResponse, error) {
	if err := batchSize("channels", len(r.GetChannels())); err != nil {
		return nil, p.server.fail(ctx, err)
	}
	requests := make([]*pb.PublishRequest, len(r.GetChannels()))
	for i, channel := range r.GetChannels() {
		requests[i] = &pb.PublishRequest{
			Channel: channel, Data: r.GetData(), ContentType: r.GetContentType(), Headers: r.GetHeaders(),
			MessageId: r.GetMessageId(), Ttl: r.GetTtl(), Ephemeral: r.GetEphemeral(),
		}
	}
	results, err := p.publishAll(ctx, requests)
	if err != nil {
		return nil, p.server.fail(ctx, err)
	}
	return &pb.BroadcastResponse{Results: results}, nil
}

func batchSize(field string, n int) error {
	if n == 0 || n > maxBatch {
		return invalid(field, "%d %s; there must be 1 to %d", n, field, maxBatch)
	}
	return nil
}

// publishAll submits the messages in order, so that those of one channel get
// ascending seqs, and answers when the last of them is decided. What a message takes of
// its caller's rates that turns out to be a duplicate is there for those behind it: so
// whoever tries a batch again that was too large gets on.
func (p *publishService) publishAll(ctx context.Context, requests []*pb.PublishRequest) ([]*pb.PublishResult, error) {
	b := batch{
		publishService: p, requests: requests, by: identityOf(ctx),
		// Room for all of them: an answer never blocks its committer, whether
		// somebody still waits here or not.
		outcomes: make(chan outcome, len(requests)),
		results:  make([]*pb.PublishResult, len(requests)),
		items:    make([]batchItem, len(requests)), // one allocation for all
	}
	for {
		limited := b.submit(ctx)
		if err := b.collect(ctx); err != nil {
			return nil, err
		}
		if limited == nil {
			return b.results, nil
		}
		if b.spare.messages == 0 {
			b.refuse(ctx, limited)
			return b.results, nil
		}
	}
}

// batch is what becomes of several messages.
type batch struct {
	*publishService
	requests  []*pb.PublishRequest
	by        *caller.Identity
	submitted int // the first so many
	collected int
	spare     spare
	outcomes  chan outcome
	results   []*pb.PublishResult
	items     []batchItem
}

type outcome struct {
	index     int
	published push.Published
	err       error
}

// spare is what messages have taken that were there already.
type spare struct{ messages, bytes int }

// take takes a message's share of it, or else of the caller's rates.
func (s *spare) take(by *caller.Identity, bytes int) error {
	if s.messages == 0 || s.bytes < bytes {
		return by.Take(bytes)
	}
	s.messages--
	s.bytes -= bytes
	return nil
}

// submit submits what is left, as far as the caller's rates let it.
func (b *batch) submit(ctx context.Context) (limited error) {
	for ; b.submitted < len(b.requests); b.submitted++ {
		i, r := b.submitted, b.requests[b.submitted]
		done := func(published push.Published, err error) { b.outcomes <- outcome{i, published, err} }
		publication, err := b.server.publication(ctx, b.by, r)
		if err == nil {
			if limited = b.spare.take(b.by, len(r.GetData())); limited != nil {
				return limited
			}
			err = b.server.engine.Submit(ctx, publication, true, done)
		}
		if err != nil {
			done(push.Published{}, err)
		}
	}
	return nil
}

// collect waits for the outcomes of what was submitted.
func (b *batch) collect(ctx context.Context) error {
	b.spare = spare{}
	for ; b.collected < b.submitted; b.collected++ {
		select {
		case o := <-b.outcomes:
			if o.published.Duplicate {
				b.spare.messages++
				b.spare.bytes += len(b.requests[o.index].GetData())
			}
			b.results[o.index] = b.items[o.index].result(b.requests[o.index].GetChannel(), o.published)
			if o.err != nil {
				b.results[o.index].Result = &pb.PublishResult_Error{Error: b.server.status(ctx, o.err).Proto()}
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// refuse answers what is left.
func (b *batch) refuse(ctx context.Context, limited error) {
	b.by.Limited(len(b.requests) - b.submitted - 1) // the first is counted
	refusal := &pb.PublishResult_Error{Error: b.server.status(ctx, limited).Proto()}
	for i := b.submitted; i < len(b.requests); i++ {
		b.results[i] = &pb.PublishResult{Result: refusal}
	}
}

// batchItem is what the answer to one message of a batch consists of.
type batchItem struct {
	outer    pb.PublishResult
	of       pb.PublishResult_Response
	response publishAnswer
}

func (i *batchItem) result(channel string, published push.Published) *pb.PublishResult {
	i.of.Response = i.response.fill(channel, published)
	i.outer.Result = &i.of
	return &i.outer
}
