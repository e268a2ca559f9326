package crashtest

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	"pushgate/cmd/pushgate/pushgatetest"
)

// browser is a headless Chromium, driven by the DevTools protocol.
type browser struct {
	t      *testing.T
	socket *websocket.Conn
	calls  int
	events []devtools
}

// devtools is a message of the DevTools protocol: a call, an answer or an event.
type devtools struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

var listening = regexp.MustCompile(`^DevTools listening on (ws://\S+)`)

// startBrowser starts Chromium with a fresh profile. Without one the test is
// skipped, but not in CI.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		const missing = "chromium is not on PATH: install it (Debian: apt-get install chromium)"
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	command := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		// A page that was left would be frozen, with its WebSocket open.
		"--disable-features=BackForwardCache",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-port=0", "about:blank")
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if found := listening.FindStringSubmatch(lines.Text()); found != nil {
				address <- found[1]
			}
		}
		_ = command.Wait()
	}()
	t.Cleanup(func() {
		// Its helpers are in its process group.
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		<-ended
	})
	b := &browser{t: t}
	select {
	case url := <-address:
		b.connect(url)
	case <-ended:
		t.Fatal("chromium ended")
	case <-limited(t).Done():
		t.Fatal("chromium does not listen for DevTools")
	}
	return b
}

func (b *browser) connect(url string) {
	b.t.Helper()
	var err error
	if b.socket, _, err = websocket.Dial(limited(b.t), url, nil); err != nil {
		b.t.Fatal(err)
	}
	b.socket.SetReadLimit(-1)
	b.t.Cleanup(func() { _ = b.socket.CloseNow() })
}

// call does one call, of a page's session or the browser's, and reads its result.
func (b *browser) call(session, method string, params map[string]any, result any) {
	b.t.Helper()
	b.calls++
	data, err := json.Marshal(devtools{ID: b.calls, Session: session, Method: method, Params: params})
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.socket.Write(limited(b.t), websocket.MessageText, data); err != nil {
		b.t.Fatal(err)
	}
	for {
		m := b.read(method)
		if m.ID != b.calls {
			b.events = append(b.events, m)
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error)
		}
		if err := json.Unmarshal(m.Result, result); err != nil {
			b.t.Fatalf("%s: %v", method, err)
		}
		return
	}
}

// event waits for an event that came since the last call of event.
func (b *browser) event(session, method string) {
	b.t.Helper()
	queued := b.events
	b.events = nil
	for {
		var m devtools
		if len(queued) > 0 {
			m, queued = queued[0], queued[1:]
		} else {
			m = b.read(method)
		}
		if m.Session == session && m.Method == method {
			b.events = queued
			return
		}
	}
}

func (b *browser) read(waitingFor string) devtools {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), pushgatetest.Patience)
	defer cancel()
	_, data, err := b.socket.Read(ctx)
	if err != nil {
		b.t.Fatalf("waiting for %s: %v", waitingFor, err)
	}
	var m devtools
	if err := json.Unmarshal(data, &m); err != nil {
		b.t.Fatal(err)
	}
	return m
}
