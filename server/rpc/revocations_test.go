package rpc_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "pushgate/proto/gen/pushgate/v1"
)

func TestRevocations(t *testing.T) {
	n := start(t)
	ends := timestamppb.New(time.Now().Add(time.Hour).Truncate(time.Millisecond))
	for _, r := range []*pb.RevokeTokensRequest{
		{Subscriber: "ada", ExpireTime: ends}, {TokenId: "7", ExpireTime: ends}, {Subscriber: "ada' --"}, {IssuedBefore: timestamppb.New(time.Unix(1000, 0))},
	} {
		made := got(n.control.RevokeTokens(patient(t), r))(t).GetRevocation()
		if made.GetSubscriber() != r.GetSubscriber() || made.GetTokenId() != r.GetTokenId() || made.GetCreateTime() == nil {
			t.Errorf("%v made %v", r, made)
		}
		if r.GetExpireTime() != nil && !made.GetExpireTime().AsTime().Equal(ends.AsTime()) {
			t.Errorf("expires %v", made)
		}
		if (made.GetIssuedBefore() == nil) != (r.GetTokenId() != "") {
			t.Errorf("issued before %v", made)
		}
	}
	for _, size := range []uint32{1, 3, 0} {
		pages(t, size, []string{"ada/", "/7", "ada' --/", "/"}, func(ctx context.Context, token string) ([]string, string, error) {
			r, err := n.control.ListRevocations(ctx, &pb.ListRevocationsRequest{PageSize: size, PageToken: token})
			var names []string
			for _, one := range r.GetRevocations() {
				names = append(names, one.GetSubscriber()+"/"+one.GetTokenId())
			}
			return names, r.GetNextPageToken(), err
		})
	}
}
