package rpc

import (
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/push/wire"
)

// responseOf says an event of a session in the words of the API; nil for one
// that has none, because nothing on this stream asks for it.
func responseOf(event wire.Event) *pb.SubscribeResponse {
	switch e := event.(type) {
	case *wire.Message:
		return &pb.SubscribeResponse{Response: &pb.SubscribeResponse_Message{Message: sentMessage(e)}}
	case wire.Connected:
		return &pb.SubscribeResponse{Response: &pb.SubscribeResponse_Connected{Connected: connectedOf(e)}}
	case wire.Subscribed:
		return &pb.SubscribeResponse{Response: &pb.SubscribeResponse_Subscribed{Subscribed: &pb.Subscribed{
			Id: number(e.ID), Channel: e.Channel, Epoch: e.Epoch, Seq: e.Seq, Cursor: e.Cursor, Pending: e.Pending,
		}}}
	case wire.Gap:
		return &pb.SubscribeResponse{Response: &pb.SubscribeResponse_Gap{Gap: &pb.Gap{
			Channel: e.Channel, From: e.From, To: e.To, Reason: gapReasons[e.Reason],
		}}}
	case wire.Unsubscribed:
		return &pb.SubscribeResponse{Response: &pb.SubscribeResponse_Unsubscribed{Unsubscribed: &pb.Unsubscribed{
			Id: number(e.ID), Channel: e.Channel, Reason: unsubscribeReasons[e.Reason],
		}}}
	case wire.Error:
		return refusal(number(e.ID), &push.Error{Code: e.Code, Message: e.Message, RetryAfter: e.RetryAfter})
	case wire.Closing:
		return &pb.SubscribeResponse{Response: &pb.SubscribeResponse_Closing{Closing: &pb.Closing{
			Code: uint32(e.Code), Reason: e.Reason, Reconnect: e.Reconnect, RetryAfter: durationpb.New(e.RetryAfter),
		}}}
	case wire.Pong:
		return &pb.SubscribeResponse{Response: &pb.SubscribeResponse_Pong{Pong: &pb.Pong{Id: number(e.ID)}}}
	default:
		return nil
	}
}

func connectedOf(e wire.Connected) *pb.Connected {
	connected := &pb.Connected{Connection: e.Connection, Node: e.Node, Subscriber: e.Subscriber}
	for _, s := range e.Subscriptions {
		connected.Subscriptions = append(connected.Subscriptions, &pb.Subscribed{
			Channel: s.Channel, Epoch: s.Epoch, Seq: s.Seq, Cursor: s.Cursor, Pending: s.Pending,
		})
	}
	return connected
}

// refusal answers a request that failed.
func refusal(id uint64, e *push.Error) *pb.SubscribeResponse {
	return &pb.SubscribeResponse{Response: &pb.SubscribeResponse_Error{
		Error: &pb.SubscribeError{Id: id, Status: statusOf(e).Proto()},
	}}
}

// number reads an id back that idOf has written.
func number(id wire.ID) uint64 {
	n, err := strconv.ParseUint(string(id), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

var gapReasons = map[wire.GapReason]pb.GapReason{
	wire.GapExpired: pb.GapReason_GAP_REASON_EXPIRED,
	wire.GapLimit:   pb.GapReason_GAP_REASON_LIMIT,
	wire.GapEpoch:   pb.GapReason_GAP_REASON_EPOCH,
	wire.GapPurged:  pb.GapReason_GAP_REASON_PURGED,
	wire.GapSlow:    pb.GapReason_GAP_REASON_SLOW,
}

var unsubscribeReasons = map[wire.UnsubscribeReason]pb.UnsubscribeReason{
	wire.UnsubscribeClient:    pb.UnsubscribeReason_UNSUBSCRIBE_REASON_CLIENT,
	wire.UnsubscribeServer:    pb.UnsubscribeReason_UNSUBSCRIBE_REASON_SERVER,
	wire.UnsubscribeForbidden: pb.UnsubscribeReason_UNSUBSCRIBE_REASON_FORBIDDEN,
	wire.UnsubscribeExpired:   pb.UnsubscribeReason_UNSUBSCRIBE_REASON_EXPIRED,
}

// endCodes are the statuses that stand for the protocol's close codes.
var endCodes = map[wire.CloseCode]codes.Code{
	wire.CloseNormal:          codes.OK,
	wire.CloseGoingAway:       codes.Unavailable,
	wire.CloseTooBig:          codes.ResourceExhausted,
	wire.CloseInternal:        codes.Internal,
	wire.CloseProtocol:        codes.InvalidArgument,
	wire.CloseUnauthenticated: codes.Unauthenticated,
	wire.CloseForbidden:       codes.PermissionDenied,
	wire.CloseSlow:            codes.ResourceExhausted,
	wire.CloseRateLimit:       codes.ResourceExhausted,
}

// endStatus is how the stream of a session that has ended ends.
func endStatus(end *push.End) error {
	code, ok := endCodes[end.Code]
	if !ok {
		code = codes.Internal
	}
	st := status.New(code, end.Reason)
	if code == codes.OK || !end.Reconnect {
		return st.Err()
	}
	if detailed, err := st.WithDetails(retryInfo(end.RetryAfter)); err == nil {
		st = detailed
	}
	return st.Err()
}
