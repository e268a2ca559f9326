package rpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/server/admission"
	"pushgate/server/audit"
	"pushgate/server/auth/caller"
	"pushgate/server/rpc"
)

// recorded is what a test reads of an audit record.
type recorded struct{ Event, Caller, Method, Result, Reason string }

// audited starts a node with callers and an audit log. records ends the log, and answers
// how much was written, and what.
func audited(t *testing.T) (n *node, records func() (bytes int, all []recorded)) {
	t.Helper()
	var written bytes.Buffer
	log := audit.New(slog.NewJSONHandler(&written, nil))
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { log.Run(ctx) })
	n = startWith(t, func(n *node, o *rpc.Options) {
		o.Callers = got(caller.NewDirectory(caller.Options{Callers: callers}))(t)
		o.Audit = log
	})
	t.Cleanup(stop)
	return n, func() (int, []recorded) {
		t.Helper()
		stop()
		running.Wait()
		var all []recorded
		size := written.Len()
		for line := range strings.Lines(written.String()) {
			var one recorded
			must(t, json.Unmarshal([]byte(line), &one))
			all = append(all, one)
		}
		return size, all
	}
}

// Whatever a caller calls channels, it makes neither records nor answers long, and learns
// of what is no name that it is none.
func TestLongNames(t *testing.T) {
	n, records := audited(t)
	p := n.as(publishKey)
	huge := strings.Repeat("x", 4<<20)
	for what, name := range map[string]string{"huge": huge, "too long": strings.Repeat("x", push.MaxName+1), "empty": "", "blank": " ", "control": "a\x00b"} {
		_, err := p.publish.Publish(patient(t), &pb.PublishRequest{Channel: name, Data: []byte("1")})
		wantField(t, err, "channel")
		if len(err.Error()) > 1000 {
			t.Errorf("%s: the answer has %d bytes", what, len(err.Error()))
		}
		batch := got(p.publish.PublishBatch(patient(t), &pb.PublishBatchRequest{Requests: []*pb.PublishRequest{{Channel: name, Data: []byte("1")}}}))(t)
		wantItemField(t, batch.GetResults()[0].GetError(), "channel")
		if name == "" {
			continue // nobody's, whom everybody may be
		}
		stream := got(n.as(subscribeKey).subscribe.Subscribe(patient(t)))(t)
		must(t, stream.Send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Connect{Connect: &pb.Connect{Subscriber: name}}}))
		_, err = stream.Recv()
		wantField(t, err, "subscriber")
	}
	_, err := p.publish.Publish(patient(t), &pb.PublishRequest{Channel: strings.Repeat("x", push.MaxName), Data: []byte("1")})
	wantCode(t, err, codes.PermissionDenied)
	size, all := records()
	if size > 10<<10 {
		t.Errorf("the records have %d bytes", size)
	}
	denied := 0
	for _, one := range all {
		if one.Event != "permission_denied" {
			continue
		}
		if denied++; one.Method != pb.PublishService_Publish_FullMethodName {
			t.Errorf("recorded is %+v", one)
		}
	}
	if denied != 1 {
		t.Errorf("%d denials are recorded, want one", denied)
	}
}

// A subscriber that asks for what its caller may not have is recorded, as is a key that is
// shown from elsewhere or too late, with whose it is.
func TestWhoIsRecorded(t *testing.T) {
	n, records := audited(t)
	c := n.as(subscribeKey).open("alice")
	c.send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Subscribe{Subscribe: &pb.Subscribe{Id: 1, Channel: "foreign"}}})
	if c.next().GetError() == nil {
		t.Fatal("it is let in")
	}
	for _, key := range []string{elsewhereKey, expiredKey, caller.NewKey()} {
		_, err := n.as(key).control.GetStats(patient(t), &pb.GetStatsRequest{})
		wantCode(t, err, codes.Unauthenticated)
	}
	_, all := records()
	for _, want := range []recorded{
		{Event: "permission_denied", Caller: "key:subscriber", Method: pb.SubscribeService_Subscribe_FullMethodName, Reason: `you may not subscribe to "foreign"`},
		{Event: "authentication_failed", Caller: "key:elsewhere", Reason: "this caller may not call from this address"},
		{Event: "authentication_failed", Caller: "key:expired", Reason: "the key has expired"},
		{Event: "authentication_failed", Reason: "the key is not known"},
	} {
		if !slices.Contains(all, want) {
			t.Errorf("there is no %+v among %+v", want, all)
		}
	}
}

// What cannot be called is the same to everybody who is known, however long its name is;
// strangers learn nothing.
func TestUnknownMethods(t *testing.T) {
	n, records := audited(t)
	long := "/pushgate.v1.ControlService/" + strings.Repeat("x", 50<<10)
	for _, path := range []string{"/nobody.Knows/It", "/pushgate.v1.ControlService/It", long, "/"} {
		call := func(n *node) error {
			return n.conn.Invoke(patient(t), path, &pb.GetStatsRequest{}, &pb.GetStatsResponse{})
		}
		st := wantCode(t, call(n.as(publishKey)), codes.Unimplemented)
		if len(st.Message()) > 1000 {
			t.Errorf("the answer to an unknown method has %d bytes", len(st.Message()))
		}
		wantCode(t, call(n), codes.Unauthenticated)
	}
	if count := n.metric("pushgate_grpc_requests_total", "(unknown)", "Unimplemented"); count != 3 {
		t.Errorf("%v are counted", count)
	}
	if size, all := records(); size > 10<<10 || slices.ContainsFunc(all, func(one recorded) bool { return one.Method != "" }) {
		t.Errorf("the records have %d bytes: %+v", size, all)
	}
}

// An operation that panics is recorded, too.
func TestPanicsAreRecorded(t *testing.T) {
	n, records := audited(t)
	n.process.panics.Store(true)
	_, err := n.as(adminKey).control.Drain(patient(t), &pb.DrainRequest{})
	wantCode(t, err, codes.Internal)
	_, all := records()
	for _, one := range all {
		if one.Event == "operation" && one.Method == pb.ControlService_Drain_FullMethodName && one.Result == "Internal" && one.Caller == "key:admin" {
			return
		}
	}
	t.Errorf("there is no record of it: %+v", all)
}

// Whether a subscriber is there, and how often, only those learn who may be it.
func TestForbiddenSubscribersAreAlike(t *testing.T) {
	key := caller.NewKey()
	n, _ := guarded(t, caller.Options{Callers: []caller.Settings{subscriber, with(everything, "all", key)}})
	n.gate.SetLimits(admission.Limits{PerSubscriber: 1, Connections: 1})
	n.as(key).open("bob")
	for _, name := range []string{"bob", "carol"} {
		stream := got(n.as(subscribeKey).subscribe.Subscribe(patient(t)))(t)
		must(t, stream.Send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Connect{Connect: &pb.Connect{Subscriber: name}}}))
		_, err := stream.Recv()
		wantCode(t, err, codes.PermissionDenied)
	}
}
