package rpc

import (
	"context"
	"strconv"

	"google.golang.org/protobuf/proto"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
)

const (
	defaultDeliveries = 100
	maxDeliveries     = 1000
	// listingBytes bounds a page of messages with its receipts: gRPC clients take
	// 4 MiB by default.
	listingBytes = 3840 << 10
)

// ListMessages lists the retained messages of a channel with their receipts.
func (c *controlService) ListMessages(ctx context.Context, r *pb.ListMessagesRequest) (*pb.ListMessagesResponse, error) {
	after := r.GetAfterSeq()
	if err := validateSeq("after_seq", after); err != nil {
		return nil, c.server.fail(ctx, err)
	}
	if r.GetPageToken() != "" {
		key, err := listMessages.key(r.GetPageToken(), 1)
		if err != nil {
			return nil, c.server.fail(ctx, err)
		}
		if after, err = strconv.ParseUint(key[0], 10, 63); err != nil {
			return nil, c.server.fail(ctx, errToken)
		}
	}
	receipts, page, err := c.server.engine.Messages(ctx, r.GetChannel(), after, pageSize(r.GetPageSize()), deliveries(r.MaxDeliveries))
	if err == nil && page.LastSeq == 0 {
		_, err = c.server.engine.Channel(ctx, r.GetChannel())
	}
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	response := &pb.ListMessagesResponse{}
	more, size := page.More, 0
	for _, receipt := range receipts {
		m := receiptOf(receipt, page.Epoch)
		if size += proto.Size(m); size > listingBytes && len(response.Messages) > 0 {
			more = true
			break
		}
		response.Messages = append(response.Messages, m)
	}
	if n := len(response.Messages); n > 0 && more {
		response.NextPageToken = listMessages.token(strconv.FormatUint(response.Messages[n-1].GetMessage().GetSeq(), 10))
	}
	return response, nil
}

// GetMessage finds one retained message.
func (c *controlService) GetMessage(ctx context.Context, r *pb.GetMessageRequest) (*pb.GetMessageResponse, error) {
	switch key := r.GetKey().(type) {
	case *pb.GetMessageRequest_Seq:
		if key.Seq == 0 {
			return nil, c.server.fail(ctx, invalid("seq", "seq is 0; messages are numbered from 1"))
		}
		if err := validateSeq("seq", key.Seq); err != nil {
			return nil, c.server.fail(ctx, err)
		}
	case *pb.GetMessageRequest_MessageId:
		if key.MessageId == "" {
			return nil, c.server.fail(ctx, invalid("message_id", "message_id is empty"))
		}
		if err := validatePart("message_id", key.MessageId); err != nil {
			return nil, c.server.fail(ctx, err)
		}
	default:
		return nil, c.server.fail(ctx, invalid("key", "seq or message_id is required"))
	}
	receipt, tail, err := c.server.engine.Message(ctx, r.GetChannel(), r.GetSeq(), r.GetMessageId(), deliveries(r.MaxDeliveries))
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	m := receiptOf(receipt, tail.Epoch)
	return &pb.GetMessageResponse{
		Message: m.GetMessage(), Deliveries: m.GetDeliveries(),
		SubscriptionCount: m.GetSubscriptionCount(), AckedCount: m.GetAckedCount(),
	}, nil
}

// deliveries is how many a receipt lists.
func deliveries(asked *uint32) int {
	if asked == nil {
		return defaultDeliveries
	}
	return int(min(*asked, maxDeliveries))
}

func receiptOf(r push.Receipt, epoch string) *pb.MessageReceipt {
	receipt := &pb.MessageReceipt{
		Message: storedMessage(r.Message, epoch), SubscriptionCount: uint64(r.Addressed), AckedCount: uint64(r.Acked),
	}
	for _, d := range r.Deliveries {
		receipt.Deliveries = append(receipt.Deliveries, &pb.Delivery{Subscriber: d.Subscriber, Acked: d.Acked})
	}
	return receipt
}
