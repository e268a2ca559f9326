package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"

	pb "pushgate/proto/gen/pushgate/v1"
)

type connectionsCommand struct {
	listingFlags `embed:""`
	Subscriber   string `name:"subscriber" placeholder:"NAME" help:"Only those of this subscriber."`
	Closed       bool   `name:"closed" help:"Those that ended last, and why."`
}

// Run lists the open connections of a node.
func (c *connectionsCommand) Run(ctx context.Context, t terminal) error {
	return c.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		client := pb.NewControlServiceClient(conn)
		page := func(token string) ([]*pb.Connection, string, error) {
			r, err := client.ListConnections(ctx, &pb.ListConnectionsRequest{Subscriber: c.Subscriber, Closed: c.Closed, PageSize: pageSize, PageToken: token})
			return r.GetConnections(), r.GetNextPageToken(), err
		}
		if c.Closed {
			return list(c.listingFlags, t, "CONNECTION SUBSCRIBER REMOTE SINCE ENDED CAUSE CODE REASON", page, func(r *pb.Connection) []any {
				return []any{
					r.GetId(), orDash(r.GetSubscriber()), r.GetRemoteAddress(), moment(r.GetConnectTime()), moment(r.GetStateTime()),
					r.GetEnd().GetCause(), r.GetEnd().GetCode(), orDash(r.GetEnd().GetReason()),
				}
			})
		}
		return list(c.listingFlags, t, "CONNECTION SUBSCRIBER NODE REMOTE TRANSPORT STATE SUBSCRIPTIONS OUTBOX SENT RECEIVED RTT SINCE", page, func(r *pb.Connection) []any {
			return []any{
				r.GetId(), orDash(r.GetSubscriber()), r.GetNode(), r.GetRemoteAddress(), word(r.GetTransport(), "TRANSPORT_"), word(r.GetState(), "CONNECTION_STATE_"),
				r.GetSubscriptions(), r.GetOutboxBytes(), r.GetMessagesSent(), r.GetMessagesReceived(), roundTrip(r), moment(r.GetConnectTime()),
			}
		})
	})
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// word is the name of an enum's value without its prefix.
func word(value fmt.Stringer, prefix string) string {
	return strings.ToLower(strings.TrimPrefix(value.String(), prefix))
}

func roundTrip(c *pb.Connection) string {
	if c.GetRoundTripTime() == nil {
		return "-"
	}
	return c.GetRoundTripTime().AsDuration().Round(10 * time.Microsecond).String()
}
