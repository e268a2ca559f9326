package rpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"

	pb "pushgate/proto/gen/pushgate/v1"
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
