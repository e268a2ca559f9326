package main_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pushgate/cmd/pushgate/pushgatetest"
)

// request sends a request as it is to an address.
func request(t *testing.T, address, path, host string, lines ...string) (status int, body string) {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	text := "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + strings.Join(append(lines, "\r\n"), "\r\n")
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusSwitchingProtocols {
		return response.StatusCode, ""
	}
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

// Both ways of reading a request to connect have the same pages refused, with no more
// said than how an operator can allow them.
func TestOrigins(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pushgate.yaml")
	write := func(origins string) {
		t.Helper()
		if err := os.WriteFile(file, []byte("http: {allowed_origins: ["+origins+"]}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	open := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--config", file}})
	guarded := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--config", file, "--token-anonymous"}, Env: []string{tokenSecret}})
	check := func(s *pushgatetest.Server, host string, want int, origins ...string) {
		t.Helper()
		lines := []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="}
		for _, origin := range origins {
			lines = append(lines, "Origin: "+origin)
		}
		// The name of a header that only net/http takes.
		for reader, more := range map[string]string{"front": "X-One: 1", "net/http": "X.One: 1"} {
			status, body := request(t, s.HTTP, "/ws", host, append(lines, more)...)
			if status != want || want == http.StatusForbidden && !strings.Contains(body, "http.allowed_origins") {
				t.Errorf("%q to %s, read by %s: %d %s; want %d", origins, host, reader, status, body, want)
			}
		}
	}
	const yes, no = http.StatusSwitchingProtocols, http.StatusForbidden
	for _, s := range []*pushgatetest.Server{open, guarded} {
		check(s, s.HTTP, yes)
		check(s, s.HTTP, yes, "http://"+s.HTTP)
		check(s, s.HTTP, yes, "http://localhost:3000")
		check(s, s.HTTP, no, "null")
		check(s, s.HTTP, no, "https://evil.example")
		check(s, s.HTTP, no, "http://"+s.HTTP+".evil.example")
		check(s, s.HTTP, no, "http://"+s.HTTP, "https://evil.example")
		check(s, s.HTTP, no, "https://evil.example", "http://"+s.HTTP)
		check(s, "app.example", yes)
		check(s, "app.example", no, "http://sub.app.example")
	}
	// Without tokens a page may not choose a name under which it comes.
	check(open, "evil.example:8080", no, "http://evil.example:8080")
	check(guarded, "evil.example:8080", yes, "http://evil.example:8080")
	for origins, want := range map[string]int{"'https://evil.example'": yes, "'*'": yes, "": no} {
		write(origins)
		run(t, open.Command("reload"))
		check(open, open.HTTP, want, "https://evil.example")
	}
	write("'null'")
	run(t, open.Command("reload"))
	check(open, open.HTTP, yes, "null")
}

// A page whose name somebody has pointed to this machine sees nothing of what is for
// operators.
func TestNamesThatPointHere(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{})
	admin := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--admin-address=127.0.0.1:0"}})
	admin.WaitStderr(" admin=")
	at := regexp.MustCompile(` admin=(\S+)`).FindStringSubmatch(admin.Stderr())[1]
	_, port, _ := net.SplitHostPort(s.HTTP)
	for _, path := range []string{"/metrics", "/debug/pprof/", "/"} {
		for host, want := range map[string]int{
			s.HTTP: 200, "localhost:" + port: 200, "[::1]:" + port: 200, "evil.example": 403, "evil.example:" + port: 403, "127.0.0.1.evil.example": 403, "localhost.": 403,
		} {
			if status, body := request(t, s.HTTP, path, host, "Connection: close"); status != want {
				t.Errorf("%s under %s: %d %.100s; want %d", path, host, status, body, want)
			}
		}
	}
	for host, want := range map[string]bool{s.HTTP: true, "evil.example": false} {
		if status, body := request(t, s.HTTP, "/readyz", host, "Connection: close"); status != 200 || strings.Contains(body, "reasons") != want {
			t.Errorf("/readyz under %s: %d %s", host, status, body)
		}
	}
	for host, want := range map[string]int{at: 200, "evil.example": 403} {
		if status, body := request(t, at, "/metrics", host, "Connection: close"); status != want {
			t.Errorf("the operators' /metrics under %s: %d %.100s", host, status, body)
		}
	}
	if status, _ := request(t, s.HTTP, "/healthz", "evil.example", "Connection: close"); status != 200 {
		t.Errorf("/healthz: %d", status)
	}
}
