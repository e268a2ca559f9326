package limittest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
)

// One total counts all interfaces, and another one applies without a restart.
func TestConnections(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pushgate.yaml")
	limit := func(connections int) {
		t.Helper()
		if err := os.WriteFile(path, fmt.Appendf(nil, "limits: {connections: %d}\n", connections), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	limit(1)
	n := start(t, with("--config="+path))
	n.WaitStderr(`msg="limits of connections, as limits.connections says" connections=1`)
	s := n.dial("")
	if _, refused := n.try(""); refused == nil || refused.Message != "server busy: there are as many connections as the node holds" {
		t.Fatalf("the second one is answered %v", refused)
	}
	n.refusesGRPC()
	if ready, _ := n.ready(); !ready {
		t.Error("a full node is not ready")
	}
	limit(2)
	n.Signal(syscall.SIGHUP)
	n.WaitStderr(`msg="configuration reloaded" applied=[limits.connections]`)
	n.dial("")
	n.refusesGRPC()
	_ = s.Close()
	n.eventually("somebody gets in again", func() bool {
		s, _ := n.try("")
		return s != nil
	})
}

func (n *node) refusesGRPC() {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), pushgatetest.Patience)
	defer cancel()
	stream, err := n.subscribe.Subscribe(ctx)
	if err != nil {
		n.t.Fatal(err)
	}
	if err := stream.Send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Connect{Connect: &pb.Connect{}}}); err != nil {
		n.t.Fatal(err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.ResourceExhausted {
		n.t.Errorf("gRPC is answered %v", err)
	}
}

// Behind a proxy that speaks the PROXY protocol the limits count its clients, and
// operators see them.
func TestPerAddressBehindAProxy(t *testing.T) {
	t.Parallel()
	n := start(t, with("--limits-connections-per-address=1", "--http-trusted-proxies=127.0.0.0/8,192.0.2.0/24", "--http-proxy-protocol"))
	from := func(address string) error {
		begin := "PROXY TCP4 " + address + " 192.0.2.80 4711 80\r\n"
		s, err := dial(n.HTTP, "", begin)
		if err == nil {
			t.Cleanup(func() { _ = s.Close() })
			_, err = s.next()
		}
		return err
	}
	if err := from("203.0.113.5"); err != nil {
		t.Fatal(err)
	}
	if r, ok := from("203.0.113.5").(*refusal); !ok || !r.busy() || !strings.Contains(r.Message, "this address") {
		t.Errorf("a second one is answered %v", r)
	}
	if err := from("203.0.113.6"); err != nil {
		t.Fatal(err)
	}
	if _, err := dial(n.HTTP, "", ""); err == nil {
		t.Error("a proxy without its header is served")
	}
	ctx, cancel := context.WithTimeout(t.Context(), pushgatetest.Patience)
	defer cancel()
	r, err := n.control.ListConnections(ctx, &pb.ListConnectionsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range r.GetConnections() {
		seen[c.GetRemoteAddress()] = true
	}
	if len(seen) != 2 || !seen["203.0.113.5:4711"] || !seen["203.0.113.6:4711"] {
		t.Errorf("operators see %v", seen)
	}
	n.WaitStderr(`msg="a connection was refused" limit=address address=203.0.113.5`)
	n.WaitStderr(`msg="a connection was refused" limit=proxy_protocol address=127.0.0.1`)
}
