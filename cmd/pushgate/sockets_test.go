package main_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	"pushgate/cmd/pushgate/pushgatetest"
)

// unixClient is an HTTP client of the server on a Unix socket.
func unixClient(t *testing.T, path string) *http.Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestUnixSockets(t *testing.T) {
	dir := t.TempDir()
	web, grpc := filepath.Join(dir, "http.sock"), filepath.Join(dir, "grpc.sock")
	serve := pushgatetest.Command{Dir: dir, Args: []string{"serve", "--http-address=unix:" + web, "--grpc-address=unix:grpc.sock", "--http-socket-mode=0600", "--shutdown-drain=0s"}}
	for _, end := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		p := pushgatetest.Launch(t, serve)
		if line := p.Line(); !strings.HasPrefix(line, "WebSocket  unix:"+web+" ") {
			t.Errorf("got %q", line)
		}
		equal(t, []string{p.Line()}, []string{"gRPC       unix:grpc.sock"})
		if line := p.Line(); !strings.HasPrefix(line, "Try: pushgate publish --server unix:grpc.sock news ") {
			t.Errorf("got %q", line)
		}
		conn, _, err := websocket.Dial(t.Context(), "ws://pushgate/ws?channel=news", &websocket.DialOptions{HTTPClient: unixClient(t, web)})
		if err != nil {
			t.Fatal(err)
		}
		readUntil(t, conn, "subscribed")
		run(t, pushgatetest.Command{Dir: dir, Args: []string{"publish", "--server=unix:grpc.sock", "news", "1"}})
		readUntil(t, conn, "message")
		_ = conn.CloseNow()
		other := serve
		other.Args = append(append([]string{}, serve.Args...), "--data-dir=other", "--log-level=error")
		if line := fails(t, other, 1); !strings.Contains(line, "http.address: unix:"+web+" is in use by another process") {
			t.Errorf("got %s", line)
		}
		p.Signal(end)
		p.Wait()
	}
	for _, path := range []string{web, grpc} {
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
}

// socket is a listening socket as systemd opens it.
func socket(t *testing.T, network, address string) *os.File {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	if unix, ok := l.(*net.UnixListener); ok {
		unix.SetUnlinkOnClose(false)
	}
	f, err := l.(interface{ File() (*os.File, error) }).File()
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func addressOf(t *testing.T, f *os.File) string {
	t.Helper()
	l, err := net.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// The sockets outlive the process: who connects while it is started again waits.
func TestSocketActivation(t *testing.T) {
	dir := t.TempDir()
	web, grpc := socket(t, "tcp", "127.0.0.1:0"), socket(t, "unix", filepath.Join(dir, "grpc.sock"))
	address := addressOf(t, web)
	serve := pushgatetest.Command{Dir: dir, Args: []string{"serve", "--shutdown-drain=0s"}, Sockets: map[string]*os.File{"http": web, "grpc": grpc}}
	for range 2 {
		answered := make(chan error, 1)
		go func() {
			response, err := http.Get("http://" + address + "/healthz")
			if err == nil {
				_, err = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
			answered <- err
		}()
		p := pushgatetest.Launch(t, serve)
		if line := p.Line(); !strings.HasPrefix(line, "WebSocket  ws://"+address+"/ws") {
			t.Errorf("got %q", line)
		}
		if err := <-answered; err != nil {
			t.Error(err)
		}
		run(t, pushgatetest.Command{Dir: dir, Args: []string{"publish", "--server=unix:grpc.sock", "news", "1"}})
		p.Signal(syscall.SIGTERM)
		if code := p.Wait(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
}

func TestSocketActivationRefused(t *testing.T) {
	for _, test := range []struct {
		name, address, want string
		code                int
	}{
		{"http", "0.0.0.0:0", "LISTEN_FDS: 0.0.0.0:", 2},
		{"pushgate.socket", "127.0.0.1:0", `the service manager passes a socket named "pushgate.socket"; FileDescriptorName= has to be one of http, grpc`, 2},
	} {
		line := fails(t, pushgatetest.Command{
			Args: []string{"serve", "--http-address=127.0.0.1:0", "--grpc-address=127.0.0.1:0"}, Sockets: map[string]*os.File{test.name: socket(t, "tcp4", test.address)},
		}, test.code)
		if !strings.Contains(line, test.want) {
			t.Errorf("got %s", line)
		}
	}
}

// A second process takes over the ports of the first, and nobody who connects
// meanwhile is refused.
func TestReusePortHandsOver(t *testing.T) {
	args := []string{"--http-reuse-port", "--grpc-reuse-port", "--shutdown-drain=0s"}
	first := pushgatetest.Start(t, pushgatetest.Command{Args: args})
	if line := fails(t, pushgatetest.Command{Args: []string{"serve", "--http-address=" + first.HTTP, "--log-level=error"}}, 1); !strings.Contains(line, "is in use by another process") {
		t.Errorf("who does not share the port got it: %s", line)
	}
	var running sync.WaitGroup
	var attempts, reset atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	defer running.Wait()
	defer stop()
	for _, address := range []string{first.HTTP, first.GRPC, first.HTTP, first.GRPC} {
		running.Go(func() {
			for ctx.Err() == nil {
				attempts.Add(1)
				c, err := net.Dial("tcp", address)
				switch {
				case err == nil:
					_ = c.(*net.TCPConn).SetLinger(0) // gives its port back at once
					_ = c.Close()
				case errors.Is(err, syscall.ECONNRESET):
					reset.Add(1)
				default:
					t.Errorf("connecting: %v", err)
					return
				}
			}
		})
	}
	for range 3 {
		second := pushgatetest.Start(t, pushgatetest.Command{Args: append([]string{"--http-address", first.HTTP, "--grpc-address", first.GRPC}, args...)})
		if code := first.Stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if got := status(t, "http://"+second.HTTP+"/readyz"); got != http.StatusOK {
			t.Errorf("/readyz: got %d", got)
		}
		first = second
	}
	stop()
	running.Wait()
	t.Logf("%d connections were made, %d reset at once", attempts.Load(), reset.Load())
}
