package rpc

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/server/auth/caller"
)

type publishService struct {
	pb.UnimplementedPublishServiceServer
	server *Server
}

// Publish publishes one message.
func (p *publishService) Publish(ctx context.Context, r *pb.PublishRequest) (*pb.PublishResponse, error) {
	by := identityOf(ctx)
	publication, err := p.server.publication(ctx, by, r)
	if err == nil {
		err = by.Take(len(r.GetData()))
	}
	if err != nil {
		return nil, p.server.fail(ctx, err)
	}
	published, err := p.server.engine.Publish(ctx, publication)
	if err != nil {
		return nil, p.server.fail(ctx, err)
	}
	return publishResponse(r.GetChannel(), published), nil
}

// publication is what a caller asks to publish, if it may.
func (s *Server) publication(ctx context.Context, by *caller.Identity, r *pb.PublishRequest) (push.Publication, error) {
	publication, err := publicationOf(r)
	if err == nil && by != nil {
		err = push.ValidateChannel(r.GetChannel()) // what is no name is nobody's
	}
	if err == nil {
		err = by.MayPublish(r.GetChannel())
	}
	if err != nil {
		method, _ := grpc.Method(ctx)
		return push.Publication{}, s.forbid(ctx, by, method, err)
	}
	return publication, nil
}

func publicationOf(r *pb.PublishRequest) (push.Publication, error) {
	if r == nil {
		return push.Publication{}, invalid("request", "request is missing")
	}
	if r.GetTtl() != nil {
		if err := r.GetTtl().CheckValid(); err != nil {
			return push.Publication{}, invalid("ttl", "ttl is not a valid duration")
		}
	}
	return push.Publication{
		Channel: r.GetChannel(), Data: r.GetData(), ContentType: r.GetContentType(), Headers: r.GetHeaders(),
		MessageID: r.GetMessageId(), TTL: r.GetTtl().AsDuration(), Ephemeral: r.GetEphemeral(),
	}, nil
}

func publishResponse(channel string, p push.Published) *pb.PublishResponse {
	return new(publishAnswer).fill(channel, p)
}

// publishAnswer is a PublishResponse with its time, in one piece.
type publishAnswer struct {
	response pb.PublishResponse
	time     timestamppb.Timestamp
}

func (a *publishAnswer) fill(channel string, p push.Published) *pb.PublishResponse {
	a.time.Seconds, a.time.Nanos = p.Time.Unix(), int32(p.Time.Nanosecond())
	r := &a.response
	r.Channel, r.Seq, r.Epoch, r.MessageId = channel, p.Seq, p.Epoch, p.MessageID
	r.Duplicate, r.PublishTime = p.Duplicate, &a.time
	return r
}
