//go:build linux

package benchtest

import (
	"bufio"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
)

// node is a server under load: a process of its own that takes WebSockets and the
// calls of PublishService.
type node struct {
	http, grpc string // addresses
	pid        int
	client     pb.PublishServiceClient
	ours       bool
	authority  *x509.CertPool // of its certificate; nil: it does not speak TLS
	kill       func()
}

// startPushgate runs the built program. The pings are left out: the clients only read.
func startPushgate(tb testing.TB, arguments ...string) *node {
	tb.Helper()
	s := pushgatetest.Start(tb, pushgatetest.Command{Args: append([]string{"--heartbeat-interval=1h", "--limits-connections=100000"}, arguments...)})
	return connect(tb, &node{http: s.HTTP, grpc: s.GRPC, pid: s.PID(), ours: true, kill: s.Kill})
}

// startReference runs a reference: this program, in a process of its own.
func startReference(tb testing.TB, mode string) *node {
	tb.Helper()
	program, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), envReference+"="+mode)
	cmd.Stderr = os.Stderr
	alive, err := cmd.StdinPipe() // it ends when this does
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	n := &node{pid: cmd.Process.Pid, kill: func() {
		_ = alive.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}}
	tb.Cleanup(n.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := fmt.Sscan(line, &n.http, &n.grpc); err != nil {
		tb.Fatal(err)
	}
	return connect(tb, n)
}

func connect(tb testing.TB, n *node) *node {
	tb.Helper()
	conn, err := grpc.NewClient(n.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	n.client = pb.NewPublishServiceClient(conn)
	return n
}

// processorTime is what the node has used so far.
func (n *node) processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	return processorTime(tb, n.pid)
}
