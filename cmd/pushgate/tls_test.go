package main_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pushgate/cmd/pushgate/pushgatetest"
	"pushgate/server/certificate/certificatetest"
)

// Both listeners speak TLS when they have a certificate, and nothing else; who is
// to show one does.
func TestTLS(t *testing.T) {
	authority, dir := certificatetest.New(t), t.TempDir()
	certificate, key := authority.Issue(dir, "node", time.Hour)
	mine, myKey := authority.Issue(dir, "client", time.Hour)
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{
		"--http-tls-certificate", certificate, "--http-tls-key", key,
		"--grpc-tls-certificate", certificate, "--grpc-tls-key", key, "--grpc-tls-client-ca", authority.File,
	}})
	if !strings.HasPrefix(s.WebSocket, "wss://") {
		t.Errorf("the greeting says %s", s.WebSocket)
	}
	publish := func(args ...string) pushgatetest.Result {
		return pushgatetest.Run(t, pushgatetest.Command{Args: append(append([]string{"publish"}, args...), "news", `"secret"`)})
	}
	if r := publish("--server", "https://"+s.GRPC, "--ca", authority.File, "--certificate", mine, "--key", myKey); r.Code != 0 {
		t.Errorf("publish: %s", r.Err)
	}
	for name, args := range map[string][]string{
		"plain text":        {"--server", s.GRPC},
		"unknown authority": {"--server", "https://" + s.GRPC, "--certificate", mine, "--key", myKey},
		"no certificate":    {"--server", "https://" + s.GRPC, "--ca", authority.File},
	} {
		if r := publish(append(args, "--timeout=5s")...); r.Code == 0 {
			t.Errorf("%s: published", name)
		}
	}
	r := pushgatetest.Run(t, pushgatetest.Command{Args: []string{"subscribe", "--server", s.WebSocket, "--ca", authority.File, "--from=earliest", "--count=1", "news"}})
	if r.Code != 0 || !strings.Contains(r.Out, `"secret"`) {
		t.Errorf("subscribe: %q, %s", r.Out, r.Err)
	}
	conn, err := net.Dial("tcp", s.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprint(conn, "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n")
	_ = conn.SetReadDeadline(time.Now().Add(pushgatetest.Patience))
	answer := make([]byte, 100)
	if n, _ := conn.Read(answer); strings.HasPrefix(string(answer[:n]), "HTTP/1.1 101") {
		t.Error("plain text is served")
	}
	old := &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost", MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	if conn, err := tls.Dial("tcp", s.HTTP, old); err == nil {
		_ = conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
	for listener, want := range map[string]float64{"http": 2, "grpc": 3} { // those above
		at := `pushgate_tls_handshake_failures_total{listener="` + listener + `"}`
		metric := func() float64 { return metricByTLS(t, authority, s, at) }
		for deadline := time.Now().Add(pushgatetest.Patience); metric() < want; {
			if time.Now().After(deadline) {
				t.Fatalf("%s is %v; want %v", at, metric(), want)
			}
		}
	}
}

func metricByTLS(t *testing.T, authority *certificatetest.Authority, s *pushgatetest.Server, series string) float64 {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority.Pool()}}}
	defer client.CloseIdleConnections()
	for line := range strings.Lines(ask(t, client, "https://"+s.HTTP+"/metrics", "").body) {
		if text, found := strings.CutPrefix(line, series+" "); found {
			value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	return 0
}

// Operators are served by TLS, too, and their certificate is renewed with the others.
func TestAdminByTLS(t *testing.T) {
	authority, dir := certificatetest.New(t), t.TempDir()
	certificate, key := authority.Issue(dir, "node", time.Hour)
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("geheim", 8)), 0o600); err != nil {
		t.Fatal(err)
	}
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--admin-address=0.0.0.0:0", "--admin-token-file", secret, "--admin-tls-certificate", certificate, "--admin-tls-key", key}})
	s.WaitStderr(" admin=")
	port := regexp.MustCompile(` admin=\S*:(\d+)`).FindStringSubmatch(s.Stderr())[1]
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority.Pool()}}}
	defer client.CloseIdleConnections()
	if got := ask(t, client, "https://127.0.0.1:"+port+"/metrics", "Bearer "+strings.Repeat("geheim", 8)); got.status != http.StatusOK || !strings.Contains(got.body, `pushgate_certificate_expiry_timestamp_seconds{listener="admin"}`) {
		t.Errorf("got %d %.200s", got.status, got.body)
	}
	if got := ask(t, client, "https://127.0.0.1:"+port+"/metrics", ""); got.status != http.StatusUnauthorized {
		t.Errorf("without the secret: %d", got.status)
	}
	if got := ask(t, http.DefaultClient, "http://127.0.0.1:"+port+"/metrics", "Bearer "+strings.Repeat("geheim", 8)); got.status != http.StatusBadRequest {
		t.Errorf("in plain text: %d", got.status)
	}
	r := pushgatetest.Run(t, pushgatetest.Command{Args: []string{"serve", "--admin-tls-certificate", certificate, "--admin-tls-key", key}})
	if r.Code != 2 || !strings.Contains(r.Err, "admin.address, which is not set") {
		t.Errorf("exit code %d: %s", r.Code, r.Err)
	}
}

// A certificate is renewed without a restart, by a reload or by itself; what cannot
// be used leaves the one that is there.
func TestRenewedCertificate(t *testing.T) {
	t.Parallel()
	authority, dir := certificatetest.New(t), t.TempDir()
	certificate, key := authority.Issue(dir, "node", time.Hour)
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{
		"--http-tls-certificate", certificate, "--http-tls-key", key,
	}})
	shown := func() string {
		conn, err := tls.Dial("tcp", s.HTTP, &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost"})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	first := shown()
	authority.Issue(dir, "node", 2*time.Hour)
	r := pushgatetest.Run(t, pushgatetest.Command{Args: []string{"reload", "--server", s.GRPC}})
	if r.Code != 0 || !strings.Contains(r.Out, "applied        http.tls_certificate") {
		t.Fatalf("reload: %s%s", r.Out, r.Err)
	}
	second := shown()
	if second == first {
		t.Fatal("the renewed certificate is not shown")
	}
	for _, file := range []string{certificate, key} {
		if err := os.WriteFile(file, []byte("not PEM"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r = pushgatetest.Run(t, pushgatetest.Command{Args: []string{"reload", "--server", s.GRPC}})
	if r.Code == 0 || !strings.Contains(r.Err, filepath.Base(certificate)) {
		t.Fatalf("reload of a broken one: %s%s", r.Out, r.Err)
	}
	if shown() != second {
		t.Error("the one that was there is not shown any more")
	}
	authority.Issue(dir, "node", 3*time.Hour) // and nobody says so
	eventually(t, func() bool { return shown() != second })
}

// A reload for which one certificate is broken says so as often as it is tried, and does
// everything else.
func TestReloadWithABrokenCertificate(t *testing.T) {
	authority, dir := certificatetest.New(t), t.TempDir()
	certificate, key := authority.Issue(dir, "node", time.Hour)
	file, path := filepath.Join(dir, "audit.log"), configuration(t, "limits: {max_payload: 3}\n")
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--config", path, "--log-audit", file, "--http-tls-certificate", certificate, "--http-tls-key", key}})
	for name, content := range map[string]string{key: "not PEM", path: "limits: {max_payload: 5}\n"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(file, file+".1"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		r := pushgatetest.Run(t, s.Command("reload"))
		if r.Code != 1 || strings.Count(r.Err, "\n") != 1 || !strings.Contains(r.Err, "goes on as it was: http.tls_certificate: loading the certificate "+certificate) {
			t.Errorf("exit code %d: %s", r.Code, r.Err)
		}
	}
	s.Publish("news", "12345")
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	authority.Issue(dir, "node", time.Hour)
	run(t, s.Command("reload"))

	// The other way round: a log that cannot be opened, and settings that cannot be.
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("limits: {max_payload: 7}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if line := pushgatetest.Run(t, s.Command("reload")).Err; !strings.Contains(line, "goes on as it was: log.audit: opening the audit log: ") {
		t.Errorf("got %s", line)
	}
	s.Publish("news", "1234567")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("limits: {max_payload: many}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fails(t, s.Command("reload"), 1)
	if _, err := os.Stat(file); err != nil {
		t.Error("the audit log was not opened anew: ", err)
	}
	if err := errors.Join(os.Remove(file), syscall.Mkfifo(file, 0o600)); err != nil {
		t.Fatal(err)
	}
	fails(t, s.Command("reload"), 1)
}

// What cannot be is said at the start, in one line.
func TestWrongCertificates(t *testing.T) {
	authority, dir := certificatetest.New(t), t.TempDir()
	certificate, key := authority.Issue(dir, "node", time.Hour)
	_, other := authority.Issue(dir, "other", time.Hour)
	for want, args := range map[string][]string{
		"http.tls_key":         {"--http-tls-certificate", certificate},
		"grpc.tls_certificate": {"--grpc-tls-key", key},
		"grpc-tls-client-ca":   {"--grpc-tls-client-ca", authority.File},
		"missing.pem":          {"--http-tls-certificate", filepath.Join(dir, "missing.pem"), "--http-tls-key", key},
		"private key":          {"--http-tls-certificate", certificate, "--http-tls-key", other},
		"no certificate in":    {"--grpc-tls-certificate", certificate, "--grpc-tls-key", key, "--grpc-tls-client-ca", key},
	} {
		r := pushgatetest.Run(t, pushgatetest.Command{Args: append([]string{"serve", "--http-address=127.0.0.1:0", "--grpc-address=127.0.0.1:0"}, args...)})
		lines := strings.Split(strings.TrimSpace(r.Err), "\n")
		if r.Code != 2 || !strings.Contains(lines[len(lines)-1], want) {
			t.Errorf("%v: exit code %d, %s", args, r.Code, r.Err)
		}
	}
}
