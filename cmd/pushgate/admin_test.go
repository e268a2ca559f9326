package main_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pushgate/cmd/pushgate/pushgatetest"
)

// asked is what a GET gets.
type asked struct {
	status int
	header http.Header
	body   string
}

func ask(t *testing.T, client *http.Client, url, authorization string) asked {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return asked{response.StatusCode, response.Header, string(body)}
}

// What is for operators is on their own listener only, and needs the secret there.
func TestAdminListener(t *testing.T) {
	dir := t.TempDir()
	socket, file := filepath.Join(dir, "admin.sock"), filepath.Join(dir, "secret")
	secret := strings.Repeat("geheim", 8)
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--admin-address=unix:" + socket, "--admin-token-file=" + file, "--log-level=debug"}})
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	admin, public := &http.Client{Transport: transport}, &http.Client{}
	defer public.CloseIdleConnections()

	for path, want := range map[string]int{"/metrics": 404, "/debug/pprof/": 404, "/": 404, "/healthz": 200, "/readyz": 200} {
		got := ask(t, public, "http://"+s.HTTP+path, "Bearer "+secret)
		if got.status != want || strings.Contains(got.body, "reasons") {
			t.Errorf("the clients' listener: %s: %d %.100s", path, got.status, got.body)
		}
		if got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Server") != "" {
			t.Errorf("%s: header %v", path, got.header)
		}
	}
	for path, want := range map[string]string{"/metrics": "pushgate_connections", "/debug/pprof/cmdline": "serve", "/readyz": "reasons", "/healthz": "ok"} {
		if got := ask(t, admin, "http://admin"+path, "bearer "+secret); got.status != http.StatusOK || !strings.Contains(got.body, want) {
			t.Errorf("the operators' listener: %s: %d %.100s", path, got.status, got.body)
		}
		for name, authorization := range map[string]string{"none": "", "wrong": "Bearer " + secret + "x", "basic": "Basic " + secret, "empty": "Bearer "} {
			got := ask(t, admin, "http://admin"+path, authorization)
			var refusal struct{ Code string }
			if err := json.Unmarshal([]byte(got.body), &refusal); err != nil || got.status != http.StatusUnauthorized || refusal.Code != "unauthenticated" || got.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s with %s credential: %d %.100s", path, name, got.status, got.body)
			}
		}
	}
	s.Stop()
	if strings.Contains(s.Stderr(), secret) {
		t.Error("the secret is in the log")
	}
}

// The minimal set-up for an address that others reach starts; without credentials
// it does not, and says in one line what to set.
func TestServeOnAPublicAddress(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("0123456789", 5)), 0o600); err != nil {
		t.Fatal(err)
	}
	r := pushgatetest.Run(t, pushgatetest.Command{Args: []string{"serve", "--http-address=0.0.0.0:0", "--grpc-address=127.0.0.1:0"}})
	if r.Code != 2 || strings.Count(r.Err, "\n") != 1 || !strings.Contains(r.Err, "token.secret_file") {
		t.Errorf("exit code %d: %s", r.Code, r.Err)
	}
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--http-address=0.0.0.0:0", "--token-secret-file=" + secret}})
	client := &http.Client{}
	defer client.CloseIdleConnections()
	for path, want := range map[string]int{"/metrics": 404, "/": 404, "/debug/pprof/": 404, "/readyz": 200, "/ws": 426} {
		if got := ask(t, client, "http://"+s.HTTP+path, ""); got.status != want {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}
