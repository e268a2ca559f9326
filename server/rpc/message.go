package rpc

import (
	"encoding/json"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push/wire"
	"pushgate/store"
)

func storedMessage(m store.Message, epoch string) *pb.Message {
	message := &pb.Message{
		Channel: m.Channel, Seq: m.Seq, Epoch: epoch, MessageId: m.ID, Data: m.Data, ContentType: m.ContentType,
		Headers: headersOf(m.Headers), PublishTime: timestamppb.New(m.Time),
	}
	if !m.Expires.IsZero() {
		message.ExpireTime = timestamppb.New(m.Expires)
	}
	return message
}

func sentMessage(m *wire.Message) *pb.Message {
	return &pb.Message{
		Channel: m.Channel, Seq: m.Seq, MessageId: m.ID, Data: m.Data, ContentType: m.ContentType,
		Headers: headersOf(m.Headers), PublishTime: timestamppb.New(time.UnixMilli(m.TimeMillis)),
	}
}

// headersOf reads headers, which are stored as a JSON object of strings.
func headersOf(object []byte) map[string]string {
	if len(object) == 0 {
		return nil
	}
	var headers map[string]string
	if json.Unmarshal(object, &headers) != nil {
		return nil
	}
	return headers
}
