package rpc

import (
	"cmp"
	"context"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/push/wire"
)

// maxReason is what a WebSocket close frame has room for.
const maxReason = 123

const defaultReason = "disconnected by an operator"

// ListConnections lists this node's connections.
func (c *controlService) ListConnections(ctx context.Context, r *pb.ListConnectionsRequest) (*pb.ListConnectionsResponse, error) {
	if err := optionalSubscriber(r.GetSubscriber()); err != nil {
		return nil, c.server.fail(ctx, err)
	}
	if r.GetClosed() {
		return closedConnections(c.server.engine.ClosedConnections(r.GetSubscriber())), nil
	}
	after, err := listConnections.key(r.GetPageToken(), 1)
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	size := pageSize(r.GetPageSize())
	views, more := cut(c.server.engine.Connections(after[0], r.GetSubscriber(), size+1), size)
	response := &pb.ListConnectionsResponse{}
	for _, v := range views {
		response.Connections = append(response.Connections, connectionOf(v))
	}
	if more {
		response.NextPageToken = listConnections.token(views[size-1].ID)
	}
	return response, nil
}

func closedConnections(views []push.ConnectionView) *pb.ListConnectionsResponse {
	response := &pb.ListConnectionsResponse{}
	for _, v := range views {
		response.Connections = append(response.Connections, connectionOf(v))
	}
	return response
}

// GetConnection finds one of this node's connections.
func (c *controlService) GetConnection(ctx context.Context, r *pb.GetConnectionRequest) (*pb.GetConnectionResponse, error) {
	if r.GetId() == "" {
		return nil, c.server.fail(ctx, invalid("id", "id is empty"))
	}
	view, err := c.server.engine.Connection(r.GetId())
	if err != nil {
		return nil, c.server.fail(ctx, err)
	}
	return &pb.GetConnectionResponse{Connection: connectionOf(view)}, nil
}

// Disconnect ends connections of this node.
func (c *controlService) Disconnect(ctx context.Context, r *pb.DisconnectRequest) (*pb.DisconnectResponse, error) {
	switch target := r.GetTarget().(type) {
	case *pb.DisconnectRequest_Connection:
		if target.Connection == "" {
			return nil, c.server.fail(ctx, invalid("connection", "connection is empty"))
		}
	case *pb.DisconnectRequest_Subscriber:
		if err := push.ValidateSubscriber(target.Subscriber); err != nil {
			return nil, c.server.fail(ctx, err)
		}
	default:
		return nil, c.server.fail(ctx, invalid("target", "connection or subscriber is required"))
	}
	if n := len(r.GetReason()); n > maxReason {
		return nil, c.server.fail(ctx, invalid("reason", "reason is %d bytes long; the limit is %d", n, maxReason))
	}
	reason := cmp.Or(r.GetReason(), defaultReason)
	end := push.End{Cause: push.CauseOperator, Code: wire.CloseForbidden, Reason: reason}
	if r.GetReconnect() {
		end = push.GoAway(push.CauseOperator, wire.CloseGoingAway, reason)
	}
	ended := c.server.engine.Disconnect(r.GetConnection(), r.GetSubscriber(), end)
	return &pb.DisconnectResponse{Disconnected: uint64(ended)}, nil
}

var connectionStates = map[push.State]pb.ConnectionState{
	push.Handshaking: pb.ConnectionState_CONNECTION_STATE_HANDSHAKING,
	push.Connected:   pb.ConnectionState_CONNECTION_STATE_CONNECTED,
	push.Active:      pb.ConnectionState_CONNECTION_STATE_ACTIVE,
	push.Idle:        pb.ConnectionState_CONNECTION_STATE_IDLE,
	push.Closing:     pb.ConnectionState_CONNECTION_STATE_CLOSING,
	push.Closed:      pb.ConnectionState_CONNECTION_STATE_CLOSED,
}

func connectionOf(v push.ConnectionView) *pb.Connection {
	connection := &pb.Connection{
		Id: v.ID, Subscriber: v.Subscriber, Node: v.Node, RemoteAddress: v.Info.RemoteAddress,
		State: connectionStates[v.State], StateTime: timestamppb.New(v.Since), ConnectTime: timestamppb.New(v.Connected),
		Transport: pb.Transport_TRANSPORT_WEBSOCKET, UserAgent: userAgent(v.Info.UserAgent),
		Subscriptions:  uint64(v.Subscriptions),
		OutboxMessages: uint64(v.OutboxMessages), OutboxBytes: uint64(v.OutboxBytes),
		MessagesSent: v.SentFrames, BytesSent: v.SentBytes,
		MessagesReceived: v.ReceivedFrames, BytesReceived: v.ReceivedBytes,
	}
	if v.Info.Protocol == protocol {
		connection.Transport = pb.Transport_TRANSPORT_GRPC
	}
	if !v.Active.IsZero() {
		connection.ActiveTime = timestamppb.New(v.Active)
	}
	if v.RoundTrip > 0 {
		connection.RoundTripTime = durationpb.New(v.RoundTrip)
	}
	if v.State >= push.Closing {
		connection.End = &pb.ConnectionEnd{Cause: string(v.End.Cause), Code: uint32(v.End.Code), Reason: v.End.Reason}
	}
	return connection
}

const maxUserAgent = 256

// userAgent is what a client calls itself, which may be anything, as it fits
// into a message.
func userAgent(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxUserAgent)], "")
}
