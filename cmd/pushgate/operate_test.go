package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
)

// configuration writes a file and answers its path.
func configuration(t *testing.T, yaml string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pushgate.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestChannelsListsAllPages(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{})
	conn, err := grpc.NewClient(s.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	const n = 2100
	request := &pb.BroadcastRequest{Data: []byte(`"x"`)}
	for i := range n {
		request.Channels = append(request.Channels, fmt.Sprintf("c%04d", i))
	}
	if _, err := pb.NewPublishServiceClient(conn).Broadcast(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	lines := run(t, s.Command("channels", "--json"))
	if len(lines) != n {
		t.Fatalf("got %d lines", len(lines))
	}
	for i, line := range lines {
		var channel struct{ Name, NewestSeq string }
		if err := json.Unmarshal([]byte(line), &channel); err != nil || channel.Name != request.Channels[i] || channel.NewestSeq != "1" {
			t.Fatalf("line %d is %s: %v", i, line, err)
		}
	}
	equal(t, fields(run(t, s.Command("channels", "c000")), 7)[:2], []string{
		"CHANNEL NEWEST OLDEST MESSAGES BYTES SUBSCRIPTIONS ONLINE", "c0000 1 1 1 3 0 0",
	})
}

func TestConnectionsAndDisconnect(t *testing.T) {
	t.Parallel()
	s := pushgatetest.Start(t, pushgatetest.Command{})
	s.Publish("news", "1")
	f := pushgatetest.Launch(t, s.Command("subscribe", "news", "--subscriber=ada", "--from=earliest"))
	f.Line()
	lines := run(t, s.Command("connections"))
	if len(lines) != 2 || !strings.Contains(lines[1], " ada ") || !strings.Contains(lines[1], " websocket ") {
		t.Errorf("connections:\n%s", strings.Join(lines, "\n"))
	}
	equal(t, run(t, s.Command("disconnect", "--subscriber=nobody")), []string{"disconnected 0"})
	// With --reconnect it comes back and goes on.
	equal(t, run(t, s.Command("disconnect", strings.Fields(lines[1])[0], "--reconnect")), []string{"disconnected 1"})
	s.Publish("news", "2")
	if got := f.Line(); got != "news 2 2" {
		t.Errorf("got %q", got)
	}
	equal(t, run(t, s.Command("disconnect", "--subscriber=ada", "--reason=go away")), []string{"disconnected 1"})
	if code := f.Wait(); code != 1 || !strings.Contains(f.Stderr(), "the server closed the connection: 4403 go away") {
		t.Errorf("exit code %d: %s", code, f.Stderr())
	}
	if line := fails(t, s.Command("disconnect"), 2); !strings.Contains(line, "give the id of a connection, or --subscriber") {
		t.Errorf("got %s", line)
	}
}
