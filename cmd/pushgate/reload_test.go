package main_test

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	"pushgate/cmd/pushgate/pushgatetest"
)

func TestReload(t *testing.T) {
	path := configuration(t, "limits: {max_payload: 3}\nlog: {level: warn}\n")
	write := func(yaml string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--config", path, "--shutdown-drain=1s"}})
	equal(t, run(t, s.Command("reload")), []string{"nothing has changed"})
	if line := fails(t, s.Command("publish", "news", "12345"), 1); !strings.Contains(line, "the limit is 3") {
		t.Errorf("got %s", line)
	}
	if reaches(t, s, "https://app.example") {
		t.Error("a page of a foreign origin connected")
	}

	// The command line wins over the file, as it did at the start.
	write("limits: {max_payload: 5, max_frame: 3KiB}\nlog: {level: info}\nhttp: {allowed_origins: [https://app.example]}\nshutdown: {drain: 2s}\nnamespaces: {chat: {durable: false}}\n")
	equal(t, run(t, s.Command("reload")), []string{
		"applied        log.level", "applied        http.allowed_origins", "applied        limits.max_payload",
		"needs restart  limits.max_frame", "needs restart  namespaces.chat.durable",
	})
	s.Publish("news", "12345")
	if !reaches(t, s, "https://app.example") {
		t.Error("a page of an allowed origin did not connect")
	}
	// log.level applies already.
	s.WaitStderr(`level=INFO msg="configuration reloaded" applied="[log.level http.allowed_origins limits.max_payload]" needs_restart="[limits.max_frame namespaces.chat.durable]"`)

	write("limits:\n  max_payload: 7\n  max_frames: 1\n")
	const problem = "pushgate.yaml:3: limits.max_frames: there is no such key; did you mean limits.max_frame?"
	if line := fails(t, s.Command("reload"), 1); !strings.HasPrefix(line, "pushgate: FailedPrecondition: ") || !strings.HasSuffix(line, problem) {
		t.Errorf("got %s", line)
	}
	fails(t, s.Command("publish", "news", "1234567"), 1)

	write("limits: {max_payload: 7}\n")
	s.Signal(syscall.SIGHUP)
	s.WaitStderr(`msg="configuration reloaded" applied="[http.allowed_origins limits.max_payload]" needs_restart=[]`)
	s.Publish("news", "1234567")
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// reaches says whether a page of an origin can connect.
func reaches(t *testing.T, s *pushgatetest.Server, origin string) bool {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), s.WebSocket, &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}}})
	if err == nil {
		_ = conn.CloseNow()
	}
	return err == nil
}
