package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"pushgate/cmd/pushgate/config"
	pb "pushgate/proto/gen/pushgate/v1"
)

type revokeCommand struct {
	grpcFlags    `embed:""`
	Subscriber   string          `name:"subscriber" placeholder:"NAME" help:"Revoke the tokens of this subscriber."`
	TokenID      string          `name:"token-id" placeholder:"ID" help:"Revoke the token with this id (jti)."`
	All          bool            `name:"all" help:"Revoke the tokens of everybody."`
	IssuedBefore time.Time       `name:"issued-before" placeholder:"TIME" format:"2006-01-02T15:04:05Z07:00" help:"Only tokens issued before this time, as 2006-01-02T15:04:05Z. Otherwise: before now."`
	Keep         config.Duration `name:"keep" placeholder:"DURATION" default:"30d" help:"How long to remember it; as long as the tokens would be good."`
}

// Run revokes tokens and says how many connections that closed.
func (c *revokeCommand) Run(ctx context.Context, t terminal) error {
	named := 0
	for _, given := range []bool{c.Subscriber != "", c.TokenID != "", c.All} {
		if given {
			named++
		}
	}
	if named != 1 {
		return usageError{"give one of --subscriber, --token-id and --all"}
	}
	now := time.Now()
	request := &pb.RevokeTokensRequest{
		Subscriber: c.Subscriber, TokenId: c.TokenID, ExpireTime: timestamppb.New(now.Add(time.Duration(c.Keep))),
	}
	switch {
	case !c.IssuedBefore.IsZero():
		request.IssuedBefore = timestamppb.New(c.IssuedBefore)
	case c.All:
		request.IssuedBefore = timestamppb.New(now)
	}
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		r, err := pb.NewControlServiceClient(conn).RevokeTokens(ctx, request)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.out, "revoked until %s; disconnected %d here\n", moment(r.GetRevocation().GetExpireTime()), r.GetDisconnected())
		return err
	})
}

type revocationsCommand struct {
	listingFlags `embed:""`
}

// Run lists the revocations that are in force.
func (c *revocationsCommand) Run(ctx context.Context, t terminal) error {
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		client := pb.NewControlServiceClient(conn)
		page := func(token string) ([]*pb.Revocation, string, error) {
			r, err := client.ListRevocations(ctx, &pb.ListRevocationsRequest{PageSize: pageSize, PageToken: token})
			return r.GetRevocations(), r.GetNextPageToken(), err
		}
		return list(c.listingFlags, t, "SUBSCRIBER TOKEN ISSUED-BEFORE UNTIL", page, func(r *pb.Revocation) []any {
			return []any{orDash(r.GetSubscriber()), orDash(r.GetTokenId()), moment(r.GetIssuedBefore()), moment(r.GetExpireTime())}
		})
	})
}
