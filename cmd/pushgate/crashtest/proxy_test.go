package crashtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
)

// proxies are load balancers with their example in deploy/.
var proxies = []balancer{
	{name: "nginx", file: "nginx.conf", delay: "0s", sticky: [2]string{"http://pushgate;", "http://pushgate_sticky;"}, arguments: func(dir, file string) []string {
		return []string{"-p", dir, "-c", file, "-e", "stderr", "-g", "daemon off; pid nginx.pid;"}
	}, adapt: func(dir, text string) string {
		own := "http {\n  access_log off;\n"
		for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			own += fmt.Sprintf("  %s_temp_path %s/%s;\n", name, dir, name)
		}
		return strings.Replace(text, "http {\n", own, 1)
	}},
	{name: "haproxy", file: "haproxy.cfg", delay: "3s", sticky: [2]string{"default_backend pushgate\n", "default_backend pushgate_sticky\n"}, arguments: func(_, file string) []string {
		return []string{"-db", "-f", file}
	}, adapt: func(_, text string) string {
		return strings.Replace(text, "maxconn 32768", "maxconn 1024", 1) // what any user may have open
	}},
}

type balancer struct {
	name, file string
	delay      string    // shutdown.delay of its nodes
	sticky     [2]string // what to replace by what
	arguments  func(dir, file string) []string
	adapt      func(dir, text string) string
}

// proxy is a running load balancer before two nodes.
type proxy struct {
	web     string // HOST:PORT
	socket  string
	publish pb.PublishServiceClient
}

// start runs a load balancer as its example says, but on free ports. Without the
// program the test is skipped, but not in CI.
func (b balancer) start(t *testing.T, sticky bool, nodes ...*node) *proxy {
	t.Helper()
	program, err := exec.LookPath(b.name)
	if err != nil {
		program, err = exec.LookPath(filepath.Join("/usr/sbin", b.name))
	}
	if err != nil {
		missing := b.name + " is not on PATH: install it (apt-get install " + b.name + ")"
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	for {
		// The ports that are free now may not be in a moment.
		web, rpc := freePort(t), freePort(t)
		if b.launch(t, program, b.configuration(t, sticky, web, rpc, nodes), web) {
			return newProxy(t, web, rpc)
		}
	}
}

func newProxy(t *testing.T, web, rpc string) *proxy {
	t.Helper()
	conn, err := grpc.NewClient(rpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &proxy{web: web, socket: "ws://" + web + "/ws", publish: pb.NewPublishServiceClient(conn)}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// configuration writes the example with other addresses, and answers its path.
func (b balancer) configuration(t *testing.T, sticky bool, web, rpc string, nodes []*node) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "deploy", b.file))
	if err != nil {
		t.Fatal(err)
	}
	replace := func(in, old, with string) string {
		if !strings.Contains(in, old) {
			t.Fatalf("%s does not contain %q", b.file, old)
		}
		return strings.ReplaceAll(in, old, with)
	}
	port := func(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }
	config := string(text)
	if sticky {
		config = replace(config, b.sticky[0], b.sticky[1])
	}
	for i, n := range nodes {
		config = replace(config, fmt.Sprintf("127.0.0.1:808%d", i), n.HTTP)
		config = replace(config, fmt.Sprintf("127.0.0.1:909%d", i), n.GRPC)
		config = strings.ReplaceAll(config, fmt.Sprintf(" port 808%d ", i), " port "+port(n.HTTP)+" ")
	}
	config = replace(config, "127.0.0.1:9000", rpc)
	for _, listen := range []string{"listen ", "bind :"} {
		config = strings.ReplaceAll(config, listen+"8000", strings.TrimSuffix(listen, ":")+web)
	}
	dir := t.TempDir()
	config = b.adapt(dir, config)
	path := filepath.Join(dir, b.file)
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// launch says whether the load balancer has come to listen.
func (b balancer) launch(t *testing.T, program, file, address string) bool {
	t.Helper()
	var out bytes.Buffer
	command := exec.Command(program, b.arguments(filepath.Dir(file), file)...)
	command.Stdout, command.Stderr = &out, &out
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait()
	}()
	t.Cleanup(func() {
		// Its workers are in its process group.
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		<-ended
		if t.Failed() {
			t.Logf("%s wrote:\n%s", b.name, out.String())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), pushgatetest.Patience)
	defer cancel()
	for {
		if c, err := new(net.Dialer).DialContext(ctx, "tcp", address); err == nil {
			_ = c.Close()
			return true
		}
		select {
		case <-ended:
			if strings.Contains(strings.ToLower(out.String()), "in use") {
				return false
			}
			t.Fatalf("%s ended:\n%s", b.name, out.String())
		case <-ctx.Done():
			t.Fatalf("%s does not listen on %s", b.name, address)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
