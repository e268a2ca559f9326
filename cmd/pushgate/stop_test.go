package main_test

import (
	"context"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"pushgate/cmd/pushgate/pushgatetest"
	"pushgate/store/postgres/pgtest"
)

// connect opens a connection and reads until the frame of a type.
func connect(t *testing.T, s *pushgatetest.Server) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), s.WebSocket+"?channel=news", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	readUntil(t, conn, "subscribed")
	return conn
}

func readUntil(t *testing.T, conn *websocket.Conn, kind string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		_, frame, err := conn.Read(ctx)
		if err != nil {
			t.Fatalf("waiting for %s: %v", kind, err)
		}
		if strings.HasPrefix(string(frame), `{"type":"`+kind+`"`) {
			return string(frame)
		}
	}
}

func TestDrains(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--shutdown-drain=2s"}})
	conns := []*websocket.Conn{connect(t, s), connect(t, s)}
	began := time.Now()
	s.Signal(syscall.SIGTERM)
	s.WaitStderr("stopping")
	first := make(chan int, 2)
	for i, conn := range conns {
		go func() {
			_, frame, err := conn.Read(t.Context())
			for err == nil && !strings.HasPrefix(string(frame), `{"type":"closing"`) {
				_, frame, err = conn.Read(t.Context())
			}
			if !strings.Contains(string(frame), `"code":1001,"reason":"draining","reconnect":true,"retryAfter":`) {
				t.Errorf("got %s, %v", frame, err)
			}
			_, _, err = conn.Read(t.Context())
			if websocket.CloseStatus(err) != websocket.StatusGoingAway {
				t.Errorf("got %v", err)
			}
			first <- i
		}()
	}
	<-first
	// One is still there: the node answers, but is not ready, and takes nobody new.
	if got := status(t, "http://"+s.HTTP+"/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("/readyz: got %d", got)
	}
	if got := status(t, "http://"+s.HTTP+"/healthz"); got != http.StatusOK {
		t.Errorf("/healthz: got %d", got)
	}
	if _, response, err := websocket.Dial(t.Context(), s.WebSocket, nil); err == nil || response == nil ||
		response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("upgrade while draining: %v, %+v", err, response)
	}
	if r := pushgatetest.Run(t, s.Command("publish", "news", "1")); r.Code != 1 {
		t.Errorf("publish while draining: %+v", r)
	}
	<-first
	if code := s.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(began); took < 900*time.Millisecond {
		t.Errorf("two connections were closed in %s, not spread over 2s", took)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--shutdown-drain=1h", "--shutdown-timeout=2h"}})
	connect(t, s)
	connect(t, s)
	s.Signal(syscall.SIGTERM)
	s.WaitStderr("stopping")
	s.Signal(syscall.SIGTERM)
	if code := s.Wait(); code != 1 || !strings.Contains(s.Stderr(), "pushgate: terminated again; ended at once") {
		t.Errorf("exit code %d: %s", code, s.Stderr())
	}
}

// Between the two phases of a drain everything that is open goes on.
func TestDrainCommandAndDelay(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--shutdown-delay=1h", "--shutdown-timeout=2h"}})
	conn := connect(t, s)
	for range 2 {
		equal(t, run(t, s.Command("drain")), []string{"draining 1 connections over 1h0m5s"})
	}
	if got := status(t, "http://"+s.HTTP+"/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("/readyz: got %d", got)
	}
	if _, response, err := websocket.Dial(t.Context(), s.WebSocket, nil); err == nil || response == nil || response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("upgrade while draining: %v, %+v", err, response)
	}
	if !strings.Contains(page(t, "http://"+s.HTTP+"/metrics"), "\npushgate_draining 1\n") {
		t.Error("the metrics do not say that it drains")
	}
	s.Publish("news", "1")
	readUntil(t, conn, "message")
	// The first signal asks for what goes on already, the second ends it.
	s.Signal(syscall.SIGTERM)
	equal(t, run(t, s.Command("drain")), []string{"draining 1 connections over 1h0m5s"})
	s.Signal(syscall.SIGTERM)
	if code := s.Wait(); code != 1 || !strings.Contains(s.Stderr(), "ended at once") {
		t.Errorf("exit code %d: %s", code, s.Stderr())
	}
}

func TestDrainCommandEndsTheProcess(t *testing.T) {
	t.Parallel()
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--shutdown-delay=100ms", "--shutdown-drain=8s"}})
	for range 2 {
		conn := connect(t, s)
		go func() {
			for err := error(nil); err == nil; {
				_, _, err = conn.Read(t.Context())
			}
		}()
	}
	run(t, s.Command("drain"))
	s.WaitStderr("msg=draining connections=1 for=")
	if code := s.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if strings.Contains(s.Stderr(), "level=WARN") {
		t.Errorf("it complains:\n%s", s.Stderr())
	}
}

// Who does not answer the closing frame is cut off at the deadline.
func TestShutdownTimeout(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--shutdown-drain=0s", "--shutdown-timeout=100ms"}})
	connect(t, s)
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	s.WaitStderr(`msg="shutdown.timeout is over; what is left is cut off" timeout=100ms connections=1`)
}

// A node that starts before its database waits for it.
func TestWaitsForPostgres(t *testing.T) {
	postgres := pgtest.StartServer(t, pgtest.Options{})
	url := postgres.New(t, "late")
	postgres.Stop()
	p := pushgatetest.Launch(t, pushgatetest.Command{Args: []string{"serve", "--http-address=127.0.0.1:0", "--grpc-address=127.0.0.1:0", "--store-url=" + url}})
	p.WaitStderr("the store cannot be used yet; waiting for it")
	postgres.Start(t)
	if line := p.Line(); !strings.HasPrefix(line, "WebSocket ") {
		t.Errorf("got %q", line)
	}
	p.Signal(syscall.SIGTERM)
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestSignalWhileWaitingForPostgres(t *testing.T) {
	p := pushgatetest.Launch(t, pushgatetest.Command{Args: []string{"serve", "--store-url=postgres://ada@127.0.0.1:1/db"}})
	p.WaitStderr("the store cannot be used yet; waiting for it")
	p.Signal(syscall.SIGTERM)
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d: %s", code, p.Stderr())
	}
}
