package rpc_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	pb "pushgate/proto/gen/pushgate/v1"
)

func TestChannels(t *testing.T) {
	n := start(t)
	n.send("news", `"abc"`, `"de"`)
	n.subscription("alice", "news", "")
	n.open("bob").subscribe("news")
	c := got(n.control.GetChannel(patient(t), &pb.GetChannelRequest{Channel: "news"}))(t).GetChannel()
	if c.GetName() != "news" || c.GetEpoch() == "" || c.GetNewestSeq() != 2 || c.GetOldestSeq() != 1 || c.GetMessages() != 2 ||
		c.GetBytes() != 9 || c.GetSubscriptions() != 2 || c.GetOnline() != 1 || c.GetOldestPublishTime() == nil {
		t.Errorf("got %v", c)
	}
	_, err := n.control.GetChannel(patient(t), &pb.GetChannelRequest{Channel: "nothing"})
	wantCode(t, err, codes.NotFound)
	_, err = n.control.GetChannel(patient(t), &pb.GetChannelRequest{})
	wantField(t, err, "channel")
}

func TestListChannels(t *testing.T) {
	n := start(t)
	for _, name := range []string{"orders:2", "a", "orders:1", "orders", "z"} {
		n.send(name, "1")
	}
	for prefix, want := range map[string][]string{
		"": {"a", "orders", "orders:1", "orders:2", "z"}, "orders:": {"orders:1", "orders:2"}, "nothing": nil,
	} {
		for _, size := range []uint32{0, 1, 2, 5} {
			pages(t, size, want, func(ctx context.Context, token string) ([]string, string, error) {
				r, err := n.control.ListChannels(ctx, &pb.ListChannelsRequest{Prefix: prefix, PageSize: size, PageToken: token})
				var names []string
				for _, c := range r.GetChannels() {
					names = append(names, c.GetName())
				}
				return names, r.GetNextPageToken(), err
			})
		}
	}
	for _, prefix := range []string{"a\x00", strings.Repeat("p", 256)} {
		_, err := n.control.ListChannels(patient(t), &pb.ListChannelsRequest{Prefix: prefix})
		wantField(t, err, "prefix")
	}
}

func TestPurgeChannel(t *testing.T) {
	n := start(t)
	n.send("news", "1", "2", "3", "4", "5")
	for _, c := range []struct{ upTo, purged, oldest uint64 }{{2, 2, 3}, {1, 0, 3}, {0, 3, 6}, {0, 0, 6}} {
		r := got(n.control.PurgeChannel(patient(t), &pb.PurgeChannelRequest{Channel: "news", UpToSeq: c.upTo}))(t)
		if r.GetPurged() != c.purged || r.GetOldestSeq() != c.oldest {
			t.Errorf("up to %d: %v, want %d, then %d", c.upTo, r, c.purged, c.oldest)
		}
	}
	if next := n.send("news", "6"); next.GetSeq() != 6 {
		t.Errorf("the numbering does not go on: %v", next)
	}
	_, err := n.control.PurgeChannel(patient(t), &pb.PurgeChannelRequest{Channel: "nothing"})
	wantCode(t, err, codes.NotFound)
	_, err = n.control.PurgeChannel(patient(t), &pb.PurgeChannelRequest{})
	wantField(t, err, "channel")
	_, err = n.control.PurgeChannel(patient(t), &pb.PurgeChannelRequest{Channel: "news", UpToSeq: 1 << 60})
	wantField(t, err, "up_to_seq")
}
