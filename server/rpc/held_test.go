package rpc_test

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/server/auth/caller"
	"pushgate/server/certificate/certificatetest"
	"pushgate/server/rpc"
)

// Whoever begins a call and holds back its message is nobody any more, too, when the
// message comes after the key has gone.
func TestCallsThatWereHeld(t *testing.T) {
	key := caller.NewKey()
	n, directory := guarded(t, caller.Options{Callers: []caller.Settings{with(everything, "all", key), admin}})
	k := n.as(key)
	type held struct {
		stream  grpc.ClientStream
		request proto.Message
		answer  proto.Message
	}
	all := map[string]held{}
	for path, of := range map[string][2]proto.Message{
		pb.PublishService_Publish_FullMethodName:         {&pb.PublishRequest{Channel: "held", Data: []byte("1")}, &pb.PublishResponse{}},
		pb.PublishService_PublishStream_FullMethodName:   {item(1, "held", "1"), &pb.PublishStreamResponse{}},
		pb.ControlService_ListChannels_FullMethodName:    {&pb.ListChannelsRequest{}, &pb.ListChannelsResponse{}},
		pb.ControlService_RevokeTokens_FullMethodName:    {&pb.RevokeTokensRequest{Subscriber: "ada"}, &pb.RevokeTokensResponse{}},
		pb.ControlService_WatchStats_FullMethodName:      {&pb.WatchStatsRequest{}, &pb.WatchStatsResponse{}},
		pb.ControlService_WatchDeliveries_FullMethodName: {&pb.WatchDeliveriesRequest{}, &pb.WatchDeliveriesResponse{}},
		pb.SubscribeService_Subscribe_FullMethodName: {
			&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Connect{Connect: &pb.Connect{Subscriber: "ada"}}}, &pb.SubscribeResponse{},
		},
	} {
		stream := got(k.conn.NewStream(patient(t), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, path))(t)
		all[path] = held{stream, of[0], of[1]}
	}
	k.send("before", "1") // what came before it on the connection has been looked at
	must(t, directory.Set([]caller.Settings{admin}))
	for path, h := range all {
		_ = h.stream.SendMsg(h.request) // RecvMsg tells what became of it
		_ = h.stream.CloseSend()
		if err := h.stream.RecvMsg(h.answer); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s: %v, %v", path, h.answer, err)
		}
	}
	_, err := n.as(adminKey).control.GetChannel(patient(t), &pb.GetChannelRequest{Channel: "held"})
	wantCode(t, err, codes.NotFound)
	if all := got(n.as(adminKey).control.ListRevocations(patient(t), &pb.ListRevocationsRequest{}))(t).GetRevocations(); len(all) > 0 {
		t.Errorf("revoked was %v", all)
	}
}

// A connection outlives the certificate that it was made with, but is good for nothing
// then.
func TestCertificatesThatExpire(t *testing.T) {
	authority, dir := certificatetest.New(t), t.TempDir()
	load := func(name string, life time.Duration) tls.Certificate {
		return got(tls.LoadX509KeyPair(authority.Issue(dir, name, life)))(t)
	}
	named := caller.Settings{Name: "billing", Certificates: []string{"billing"}, Publish: []string{"*"}, Control: true}
	for what, callers := range map[string][]caller.Settings{"of a caller": {named}, "of anybody": nil} {
		t.Run(what, func(t *testing.T) {
			n := startWith(t, func(n *node, o *rpc.Options) {
				o.Callers = got(caller.NewDirectory(caller.Options{Callers: callers}))(t)
				o.Secure = credentials.NewTLS(&tls.Config{
					Certificates: []tls.Certificate{load("node", time.Hour)}, ClientCAs: authority.Pool(), ClientAuth: tls.RequireAndVerifyClientCert,
				})
			})
			// Times in certificates are whole seconds.
			n.over(n.connect(grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
				ServerName: "localhost", RootCAs: authority.Pool(), Certificates: []tls.Certificate{load("billing", 3*time.Second)},
			}))))
			n.send("a", "1")
			stats := got(n.control.WatchStats(patient(t), &pb.WatchStatsRequest{}))(t)
			err := ending(func() error { _, err := stats.Recv(); return err })
			if st := wantCode(t, err, codes.Unauthenticated); !strings.Contains(st.Message(), "has expired; connect again") {
				t.Errorf("the stream ends by %v", err)
			}
			_, err = n.publish.Publish(patient(t), &pb.PublishRequest{Channel: "a", Data: []byte("2")})
			wantCode(t, err, codes.Unauthenticated)
		})
	}
}
