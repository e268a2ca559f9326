package main_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pushgate/cmd/pushgate/pushgatetest"
	"pushgate/server/certificate/certificatetest"
)

// issuer publishes a key set by https, and has the key with which it signs.
func issuer(t *testing.T, authority *certificatetest.Authority, dir string) (address, private string) {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	private = filepath.Join(dir, "signing.pem")
	if err := os.WriteFile(private, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(authority.Issue(t.TempDir(), "login", time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":"1","x":%q}]}`, base64.RawURLEncoding.EncodeToString(public))
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, private
}

// The configuration that docs/security.md gives as the least for production, but for its
// addresses and the names in it: it starts where everybody reaches it, lets in who is
// meant to be, and nobody else.
func TestTheLeastForProduction(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "The least for production")
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(after)
	if !found || block == nil {
		t.Fatal("docs/security.md has no such configuration")
	}
	authority, dir := certificatetest.New(t), t.TempDir()
	authority.Issue(dir, "node", time.Hour)
	shop, shopHash := newKey(t)
	operator, operatorHash := newKey(t)
	jwks, private := issuer(t, authority, dir)
	secret := strings.Repeat("s3", 16)
	if err := os.WriteFile(filepath.Join(dir, "admin-secret"), []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	yaml := block[1]
	for old, replacement := range map[string]string{
		`https://login.example.com/.well-known/jwks.json`: jwks, "HASH-OF-A-KEY": shopHash, "HASH-OF-ANOTHER": operatorHash,
		`"0.0.0.0:8080"`: `"0.0.0.0:0"`, `"0.0.0.0:9090"`: `"0.0.0.0:0"`, `"0.0.0.0:9091"`: `"0.0.0.0:0"`,
	} {
		if strings.Count(yaml, old) != 1 {
			t.Fatalf("the configuration has no %s", old)
		}
		yaml = strings.Replace(yaml, old, replacement, 1)
	}
	file := filepath.Join(dir, "pushgate.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	s := pushgatetest.Start(t, pushgatetest.Command{
		Args: []string{"--config", file, "--http-address=0.0.0.0:0", "--grpc-address=0.0.0.0:0"}, Dir: dir, Env: []string{"SSL_CERT_FILE=" + authority.File},
	})
	s.WaitStderr(" admin=")
	admin := regexp.MustCompile(` admin=\S*:(\d+)`).FindStringSubmatch(s.Stderr())[1]

	// Backends and operators.
	call := func(key string, args ...string) pushgatetest.Result {
		return pushgatetest.Run(t, pushgatetest.Command{
			Args: append(args, "--server", "https://"+s.GRPC, "--ca", authority.File), Env: []string{"PUSHGATE_API_KEY=" + key},
		})
	}
	for name, c := range map[string]struct {
		got  pushgatetest.Result
		want string // "": it works
	}{
		"a stranger":              {call("", "publish", "orders:1", "1"), "Unauthenticated"},
		"a stranger's own key":    {call("pgk_"+strings.Repeat("0", 64), "publish", "orders:1", "1"), "Unauthenticated"},
		"the shop":                {call(shop, "publish", "orders:1", "1"), ""},
		"the shop, elsewhere":     {call(shop, "publish", "invoices:1", "1"), "PermissionDenied"},
		"the shop as operator":    {call(shop, "drain"), "PermissionDenied"},
		"the operator":            {call(operator, "channels"), ""},
		"the operator publishing": {call(operator, "publish", "orders:1", "1"), "PermissionDenied"},
		"in plain text":           {pushgatetest.Run(t, pushgatetest.Command{Args: []string{"channels", "--server", s.GRPC, "--timeout=2s"}}), "does not speak gRPC in plain text"},
	} {
		if c.got.Code == 0 != (c.want == "") || !strings.Contains(c.got.Err, c.want) {
			t.Errorf("%s: exit code %d: %s", name, c.got.Code, c.got.Err)
		}
	}

	// Clients.
	signed := func(args ...string) string {
		return run(t, pushgatetest.Command{Args: append([]string{"token", "make", "--key", private, "--subscriber=ada", "--allow=orders:*=subscribe,history"}, args...)})[0]
	}
	const iss, aud, kid = "--token-issuer=https://login.example.com/", "--token-audience=push", "--key-id=1"
	good := signed(iss, aud, kid)
	for name, token := range map[string]string{
		"another issuer": signed("--token-issuer=https://evil.example/", aud, kid), "no issuer": signed(aud, kid),
		"another audience": signed(iss, "--token-audience=mail", kid), "an unknown key": signed(iss, aud, "--key-id=2"),
		"tampered": good[:len(good)-4] + "AAAA", "by a secret": makeToken(t, iss, aud, "--subscriber=ada"), "garbage": "a.b.c",
		"none": base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + strings.Split(good, ".")[1] + ".",
	} {
		if g := visit(t, s, "", bearing(token)); g.status != http.StatusUnauthorized {
			t.Errorf("a token of %s: %d %s", name, g.status, g.body)
		}
	}
	visit(t, s, "?subscriber=ada", nil).is(http.StatusBadRequest, "development mode")
	visit(t, s, "", http.Header{"Authorization": {"Bearer " + good}, "Origin": {"https://evil.example"}}).is(http.StatusForbidden, "origin")
	ada := visit(t, s, "?channel=invoices:1", http.Header{"Authorization": {"Bearer " + good}, "Origin": {"https://app.example.com"}})
	ada.until("connected", `"ada"`)
	ada.until("error", "you may not subscribe")
	ada.send(`{"type":"subscribe","id":1,"channel":"orders:1","durable":true,"from":"earliest"}`)
	ada.until("message", `"orders:1"`)
	ada.send(`{"type":"publish","id":2,"channel":"orders:1","data":1}`)
	ada.until("error", "permission_denied")
	run(t, pushgatetest.Command{Args: []string{"revoke", "--subscriber=ada", "--server", "https://" + s.GRPC, "--ca", authority.File}, Env: []string{"PUSHGATE_API_KEY=" + operator}})
	ada.until("closing", "4401")
	stranger := visit(t, s, "?channel=orders:1", nil)
	stranger.send(`{"type":"subscribe","id":1,"channel":"orders:1"}`)
	stranger.until("error", "unauthenticated")
	stranger.until("closing", "4401")

	// What is for operators, and what strangers see.
	for _, path := range []string{"/", "/metrics", "/debug/pprof/", "/debug/pprof/profile", "/debug/vars"} {
		if got := status(t, "http://"+s.HTTP+path); got != http.StatusNotFound {
			t.Errorf("%s: %d", path, got)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		got := ask(t, http.DefaultClient, "http://"+s.HTTP+path, "")
		if got.status != http.StatusOK || strings.Contains(got.body, "reasons") {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	operators := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority.Pool()}}}
	t.Cleanup(operators.CloseIdleConnections)
	for shown, want := range map[string]int{"": 401, "Bearer " + secret + "x": 401, "Bearer " + secret: 200} {
		if got := ask(t, operators, "https://127.0.0.1:"+admin+"/metrics", shown); got.status != want {
			t.Errorf("the operators' /metrics with %q: %d", shown, got.status)
		}
	}
}
