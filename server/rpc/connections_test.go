package rpc_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
)

func TestConnections(t *testing.T) {
	n := start(t)
	c := n.open("alice")
	c.subscribe("news")
	view := got(n.control.GetConnection(patient(t), &pb.GetConnectionRequest{Id: c.connected.GetConnection()}))(t).GetConnection()
	if view.GetId() != c.connected.GetConnection() || view.GetSubscriber() != "alice" || view.GetNode() != "node-1" ||
		view.GetRemoteAddress() == "" || !strings.Contains(view.GetUserAgent(), "grpc-go") ||
		view.GetState() != pb.ConnectionState_CONNECTION_STATE_ACTIVE || view.GetTransport() != pb.Transport_TRANSPORT_GRPC ||
		view.GetConnectTime() == nil || view.GetSubscriptions() != 1 || view.GetMessagesSent() == 0 || view.GetBytesSent() == 0 {
		t.Errorf("got %v", view)
	}
	_, err := n.control.GetConnection(patient(t), &pb.GetConnectionRequest{Id: "nobody"})
	wantCode(t, err, codes.NotFound)
	_, err = n.control.GetConnection(patient(t), &pb.GetConnectionRequest{})
	wantField(t, err, "id")
}

func TestListConnections(t *testing.T) {
	n := start(t)
	var want []string
	for range 5 {
		want = append(want, n.open("alice").connected.GetConnection())
	}
	other := n.open("bob").connected.GetConnection()
	slices.Sort(want)
	for _, size := range []uint32{0, 1, 2, 5, 1000} {
		list := pages(t, size, want, func(ctx context.Context, token string) ([]string, string, error) {
			r, err := n.control.ListConnections(ctx, &pb.ListConnectionsRequest{Subscriber: "alice", PageSize: size, PageToken: token})
			var ids []string
			for _, c := range r.GetConnections() {
				ids = append(ids, c.GetId())
			}
			return ids, r.GetNextPageToken(), err
		})
		if slices.Contains(list, other) {
			t.Error("another subscriber's connection is listed")
		}
	}
	all := got(n.control.ListConnections(patient(t), &pb.ListConnectionsRequest{}))(t)
	if len(all.GetConnections()) != 6 || all.GetNextPageToken() != "" {
		t.Errorf("got %v", all)
	}
	_, err := n.control.ListConnections(patient(t), &pb.ListConnectionsRequest{Subscriber: " "})
	wantField(t, err, "subscriber")
}

func TestDisconnect(t *testing.T) {
	n := start(t)
	disconnect := func(r *pb.DisconnectRequest) uint64 {
		t.Helper()
		return got(n.control.Disconnect(patient(t), r))(t).GetDisconnected()
	}
	first, second, other := n.open("alice"), n.open("alice"), n.open("bob")
	if ended := disconnect(&pb.DisconnectRequest{Target: &pb.DisconnectRequest_Subscriber{Subscriber: "alice"}}); ended != 2 {
		t.Errorf("%d were disconnected, want 2", ended)
	}
	for _, c := range []*client{first, second} {
		closing := c.next().GetClosing()
		if closing.GetCode() != 4403 || closing.GetReason() != "disconnected by an operator" || closing.GetReconnect() {
			t.Errorf("closing %v", closing)
		}
		_, err := c.stream.Recv()
		wantCode(t, err, codes.PermissionDenied)
	}
	target := &pb.DisconnectRequest_Connection{Connection: other.connected.GetConnection()}
	if ended := disconnect(&pb.DisconnectRequest{Target: target, Reason: "moving", Reconnect: true}); ended != 1 {
		t.Errorf("%d were disconnected, want 1", ended)
	}
	closing := other.next().GetClosing()
	if closing.GetCode() != 1001 || closing.GetReason() != "moving" || !closing.GetReconnect() || closing.GetRetryAfter().AsDuration() > 5e9 {
		t.Errorf("closing %v", closing)
	}
	_, err := other.stream.Recv()
	if retryOf(wantCode(t, err, codes.Unavailable)) < 0 {
		t.Errorf("no retry: %v", err)
	}
	eventually(t, "all are gone", func() bool { return n.engine.Sessions() == 0 })
	if ended := disconnect(&pb.DisconnectRequest{Target: target}); ended != 0 {
		t.Errorf("%d were disconnected, want none", ended)
	}
	for field, r := range map[string]*pb.DisconnectRequest{
		"target":     {},
		"connection": {Target: &pb.DisconnectRequest_Connection{}},
		"subscriber": {Target: &pb.DisconnectRequest_Subscriber{}},
		"reason":     {Target: target, Reason: strings.Repeat("r", 124)},
	} {
		_, err := n.control.Disconnect(patient(t), r)
		wantField(t, err, field)
	}
}

// What a client calls itself cannot spoil the list.
func TestUserAgents(t *testing.T) {
	n := start(t)
	info := push.SessionInfo{Protocol: "websocket", UserAgent: "a\xff" + strings.Repeat("é", 1000)}
	session := got(n.engine.Connect(patient(t), push.Connection{Info: info, Wake: func() {}}))(t)
	defer session.Detach(push.CauseLost)
	list := got(n.control.ListConnections(patient(t), &pb.ListConnectionsRequest{}))(t).GetConnections()
	if agent := list[0].GetUserAgent(); !strings.HasPrefix(agent, "aé") || len(agent) > 256 || list[0].GetTransport() != pb.Transport_TRANSPORT_WEBSOCKET {
		t.Errorf("got %v", list[0])
	}
}
