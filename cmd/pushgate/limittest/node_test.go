package limittest

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
)

// node is a process of the program.
type node struct {
	*pushgatetest.Server
	t         testing.TB
	publish   pb.PublishServiceClient
	control   pb.ControlServiceClient
	subscribe pb.SubscribeServiceClient
}

func start(t testing.TB, c pushgatetest.Command) *node {
	t.Helper()
	n := &node{t: t, Server: pushgatetest.Start(t, c)}
	conn, err := grpc.NewClient(n.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	n.publish, n.control, n.subscribe = pb.NewPublishServiceClient(conn), pb.NewControlServiceClient(conn), pb.NewSubscribeServiceClient(conn)
	return n
}

func with(args ...string) pushgatetest.Command { return pushgatetest.Command{Args: args} }

// send publishes a message.
func (n *node) send(channel, data string) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), pushgatetest.Patience)
	defer cancel()
	if _, err := n.publish.Publish(ctx, &pb.PublishRequest{Channel: channel, Data: []byte(data)}); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) fetch(path string) (status int, body string) {
	n.t.Helper()
	response, err := http.Get("http://" + n.HTTP + path)
	if err != nil {
		n.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// metric is the value of a series, written as /metrics shows it.
func (n *node) metric(series string) int {
	n.t.Helper()
	_, body := n.fetch("/metrics")
	for lines := bufio.NewScanner(strings.NewReader(body)); lines.Scan(); {
		if text, found := strings.CutPrefix(lines.Text(), series+" "); found {
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				n.t.Fatal(err)
			}
			return int(value)
		}
	}
	n.t.Fatalf("/metrics has no %s", series)
	return 0
}

func (n *node) refused(reason string) int {
	n.t.Helper()
	return n.metric(`pushgate_refused_connections_total{reason="` + reason + `"}`)
}

func (n *node) ready() (ready bool, reasons []string) {
	n.t.Helper()
	status, text := n.fetch("/readyz")
	var body struct{ Reasons []string }
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		n.t.Fatal(err)
	}
	return status == http.StatusOK, body.Reasons
}

// eventually polls for what nothing signals.
func (n *node) eventually(what string, ok func() bool) {
	n.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(2 * pushgatetest.Patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			n.t.Fatalf("in vain: %s", what)
		}
	}
}
