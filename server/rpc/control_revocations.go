package rpc

import (
	"context"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/store"
)

// RevokeTokens makes tokens of clients worthless.
func (c *controlService) RevokeTokens(ctx context.Context, r *pb.RevokeTokensRequest) (*pb.RevokeTokensResponse, error) {
	issuedBefore, err := optionalTime("issued_before", r.GetIssuedBefore())
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	expires, err := optionalTime("expire_time", r.GetExpireTime())
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	stored, ended, err := c.server.engine.Revoke(ctx, store.Revocation{
		Subscriber: r.GetSubscriber(), TokenID: r.GetTokenId(), IssuedBefore: issuedBefore, Expires: expires,
	})
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	return &pb.RevokeTokensResponse{Revocation: revocationOf(stored), Disconnected: uint32(ended)}, nil
}

// optionalTime is the zero time when there is none.
func optionalTime(field string, t *timestamppb.Timestamp) (time.Time, error) {
	if t == nil {
		return time.Time{}, nil
	}
	if t.CheckValid() != nil || t.GetSeconds() <= 0 {
		return time.Time{}, invalid(field, "%s is not a time after 1970", field)
	}
	return t.AsTime().Truncate(time.Millisecond), nil
}

// ListRevocations lists the revocations that have not expired.
func (c *controlService) ListRevocations(ctx context.Context, r *pb.ListRevocationsRequest) (*pb.ListRevocationsResponse, error) {
	key, err := listRevocations.key(r.GetPageToken(), 1)
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	after := uint64(0)
	if key[0] != "" {
		if after, err = strconv.ParseUint(key[0], 10, 63); err != nil {
			return nil, c.server.fail(ctx, errToken)
		}
	}
	size := pageSize(r.GetPageSize())
	found, err := c.server.engine.Revocations(ctx, after, size+1)
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	page, more := cut(found, size)
	response := &pb.ListRevocationsResponse{}
	for _, one := range page {
		response.Revocations = append(response.Revocations, revocationOf(one))
	}
	if more {
		response.NextPageToken = listRevocations.token(strconv.FormatUint(page[size-1].Number, 10))
	}
	return response, nil
}

func revocationOf(r store.Revocation) *pb.Revocation {
	v := &pb.Revocation{
		Subscriber: r.Subscriber, TokenId: r.TokenID,
		ExpireTime: timestamppb.New(r.Expires), CreateTime: timestamppb.New(r.Created),
	}
	if r.TokenID == "" {
		v.IssuedBefore = timestamppb.New(r.IssuedBefore)
	}
	return v
}
