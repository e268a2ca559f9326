package rpc

import (
	"context"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
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
// ascending seqs, and answers when the last of them is decided.
func (p *publishService) publishAll(ctx context.Context, requests []*pb.PublishRequest) ([]*pb.PublishResult, error) {
	type outcome struct {
		index     int
		published push.Published
		err       error
	}
	// Room for all of them: an answer never blocks its committer, whether
	// somebody still waits here or not.
	outcomes := make(chan outcome, len(requests))
	by := identityOf(ctx)
	for i, r := range requests {
		done := func(published push.Published, err error) { outcomes <- outcome{i, published, err} }
		publication, err := p.server.publication(ctx, by, r)
		if err == nil {
			err = p.server.engine.Submit(ctx, publication, true, done)
		}
		if err != nil {
			done(push.Published{}, err)
		}
	}
	results := make([]*pb.PublishResult, len(requests))
	items := make([]batchItem, len(requests)) // one allocation for all
	for range requests {
		select {
		case o := <-outcomes:
			results[o.index] = items[o.index].result(requests[o.index].GetChannel(), o.published)
			if o.err != nil {
				results[o.index].Result = &pb.PublishResult_Error{Error: p.server.status(ctx, o.err).Proto()}
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return results, nil
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
