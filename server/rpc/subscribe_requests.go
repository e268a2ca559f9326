package rpc

import (
	"strconv"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/push/wire"
)

// idOf is a request's id as a session repeats it; there is none when it is 0.
func idOf(id uint64) wire.ID {
	if id == 0 {
		return ""
	}
	return wire.ID(strconv.FormatUint(id, 10))
}

// requestOf brings a request into the words of the protocol.
func requestOf(r *pb.SubscribeRequest) (wire.Request, error) {
	switch r := r.GetRequest().(type) {
	case *pb.SubscribeRequest_Subscribe:
		return subscribeOf(r.Subscribe)
	case *pb.SubscribeRequest_Unsubscribe:
		u := r.Unsubscribe
		return wire.Request{Type: wire.TypeUnsubscribe, ID: idOf(u.GetId()), Channel: u.GetChannel(), Forget: u.GetForget()}, nil
	case *pb.SubscribeRequest_Ack:
		return wire.Request{Type: wire.TypeAck, Channel: r.Ack.GetChannel(), Seq: r.Ack.GetSeq()}, nil
	case *pb.SubscribeRequest_Ping:
		return wire.Request{Type: wire.TypePing, ID: idOf(r.Ping.GetId())}, nil
	default:
		return wire.Request{}, invalid("request", "the request says nothing that this server knows")
	}
}

func subscribeOf(s *pb.Subscribe) (wire.Request, error) {
	request := wire.Request{
		Type: wire.TypeSubscribe, ID: idOf(s.GetId()), Channel: s.GetChannel(), Durable: s.Durable,
		Epoch: s.GetEpoch(), Window: int(s.GetWindow()),
	}
	var err error
	if request.From, err = parseFrom(s.GetFrom()); err != nil {
		return request, err
	}
	if s.GetWindow() > push.MaxWindow {
		return request, invalid("window", "window must be 0 to %d", push.MaxWindow)
	}
	if len(s.GetEpoch()) > wire.MaxEpoch {
		return request, invalid("epoch", "epoch must be at most %d bytes long", wire.MaxEpoch)
	}
	return request, nil
}
