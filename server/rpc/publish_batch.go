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
// ascending seqs, and answers when the last of them is decided. What messages take of
// their caller's rates that turn out to be duplicates is there for those behind them: so
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
		duplicates, err := b.collect(ctx)
		switch {
		case err != nil:
			return nil, err
		case limited == nil:
			b.by.Owe(b.given.messages, b.given.bytes)
			return b.results, nil
		case duplicates == 0:
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
	submitted int                           // the first so many
	collected int                           // of them
	given     struct{ messages, bytes int } // back to the caller's rates, and not taken again
	outcomes  chan outcome
	results   []*pb.PublishResult
	items     []batchItem
}

type outcome struct {
	index     int
	published push.Published
	err       error
}

// submit submits what is left, as far as the caller's rates let it.
func (b *batch) submit(ctx context.Context) (limited *push.Error) {
	for ; b.submitted < len(b.requests); b.submitted++ {
		i, r := b.submitted, b.requests[b.submitted]
		done := func(published push.Published, err error) { b.outcomes <- outcome{i, published, err} }
		publication, err := b.server.publication(ctx, b.by, r)
		if err == nil {
			if err := b.by.Take(len(r.GetData())); err != nil {
				return push.AsError(err)
			}
			b.given.messages = max(b.given.messages-1, 0)
			b.given.bytes = max(b.given.bytes-len(r.GetData()), 0)
			err = b.server.engine.Submit(ctx, publication, true, done)
		}
		if err != nil {
			done(push.Published{}, err)
		}
	}
	return nil
}

// collect waits for the outcomes of what was submitted, and gives back what duplicates
// took.
func (b *batch) collect(ctx context.Context) (duplicates int, err error) {
	bytes := 0
	for ; b.collected < b.submitted; b.collected++ {
		select {
		case o := <-b.outcomes:
			if o.published.Duplicate {
				duplicates++
				bytes += len(b.requests[o.index].GetData())
			}
			b.results[o.index] = b.items[o.index].result(b.requests[o.index].GetChannel(), o.published)
			if o.err != nil {
				b.results[o.index].Result = &pb.PublishResult_Error{Error: b.server.status(ctx, o.err).Proto()}
			}
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	b.by.Give(duplicates, bytes)
	b.given.messages += duplicates
	b.given.bytes += bytes
	return duplicates, nil
}

// refuse answers what is left. What is wrong with a message is told before that it has to
// wait.
func (b *batch) refuse(ctx context.Context, limited *push.Error) {
	waits := *limited
	waits.RetryAfter += b.by.Owe(b.given.messages, b.given.bytes) // its duplicates are taken again first
	refusal, refused := &pb.PublishResult_Error{Error: b.server.status(ctx, &waits).Proto()}, 0
	for i := b.submitted; i < len(b.requests); i++ {
		b.results[i] = &pb.PublishResult{Result: refusal}
		if _, err := b.server.publication(ctx, b.by, b.requests[i]); err != nil {
			b.results[i].Result = &pb.PublishResult_Error{Error: b.server.status(ctx, err).Proto()}
			continue
		}
		refused++
	}
	b.by.Limited(max(refused-1, 0)) // the first is counted
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
