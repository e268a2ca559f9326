package rpc_test

import (
	"context"
	"encoding/base64"
	"slices"
	"testing"

	pb "pushgate/proto/gen/pushgate/v1"
)

// pages reads a whole list, and checks that it is what is wanted, in pages that
// are full but for the last.
func pages(t *testing.T, size uint32, want []string, page func(ctx context.Context, token string) ([]string, string, error)) (list []string) {
	t.Helper()
	for token, first := "", true; first || token != ""; first = false {
		rows, next, err := page(patient(t), token)
		must(t, err)
		if size > 0 && len(rows) > int(size) || next != "" && len(rows) != int(size) {
			t.Fatalf("a page of %d, next %q", len(rows), next)
		}
		list, token = append(list, rows...), next
	}
	if !slices.Equal(list, want) {
		t.Fatalf("listed %q, want %q", list, want)
	}
	return list
}

func TestPageTokens(t *testing.T) {
	n := start(t)
	n.send("a", "1", "2")
	n.send("b", "1")
	channels := got(n.control.ListChannels(patient(t), &pb.ListChannelsRequest{PageSize: 1}))(t).GetNextPageToken()
	if channels == "" {
		t.Fatal("no next page")
	}
	forged := base64.RawURLEncoding.EncodeToString([]byte("messages\x00x"))
	for _, token := range []string{"?", "AAAA", forged, base64.RawURLEncoding.EncodeToString([]byte("channels\x00\xff")), channels + "A"} {
		for name, call := range map[string]func(string) error{
			"connections": func(token string) error {
				_, err := n.control.ListConnections(patient(t), &pb.ListConnectionsRequest{PageToken: token})
				return err
			},
			"subscriptions": func(token string) error {
				_, err := n.control.ListSubscriptions(patient(t), &pb.ListSubscriptionsRequest{PageToken: token})
				return err
			},
			"channels": func(token string) error {
				_, err := n.control.ListChannels(patient(t), &pb.ListChannelsRequest{PageToken: token})
				return err
			},
			"messages": func(token string) error {
				_, err := n.control.ListMessages(patient(t), &pb.ListMessagesRequest{Channel: "a", PageToken: token})
				return err
			},
		} {
			if err := call(token); err == nil {
				t.Errorf("%s takes the token %q", name, token)
			} else {
				wantField(t, err, "page_token")
			}
		}
	}
	_, err := n.control.ListSubscriptions(patient(t), &pb.ListSubscriptionsRequest{PageToken: channels})
	wantField(t, err, "page_token")
}
