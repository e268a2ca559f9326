package main_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	"pushgate/cmd/pushgate/pushgatetest"
	"pushgate/server/certificate/certificatetest"
	"pushgate/store/postgres/pgtest"
)

const tokenSecret = "PUSHGATE_TOKEN_SECRET=a secret of at least thirty-two bytes"

// outcome runs a command to its end.
func outcome(t *testing.T, c pushgatetest.Command) (code int, stderr string) {
	t.Helper()
	r := pushgatetest.Run(t, c)
	return r.Code, r.Err
}

func makeToken(t *testing.T, args ...string) string {
	t.Helper()
	lines := run(t, pushgatetest.Command{Args: append([]string{"token", "make"}, args...), Env: []string{tokenSecret}})
	if len(lines) != 1 || strings.Count(lines[0], ".") != 2 {
		t.Fatalf("got %q", lines)
	}
	return lines[0]
}

func TestTokenCommand(t *testing.T) {
	secret := []string{tokenSecret}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	private, public := filepath.Join(dir, "private.pem"), filepath.Join(dir, "public.pem")
	for path, marshal := range map[string]func() (string, []byte, error){
		private: func() (string, []byte, error) {
			der, err := x509.MarshalPKCS8PrivateKey(key)
			return "PRIVATE KEY", der, err
		},
		public: func() (string, []byte, error) {
			der, err := x509.MarshalPKIXPublicKey(key.Public())
			return "PUBLIC KEY", der, err
		},
	} {
		kind, der, err := marshal()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := makeToken(t, "--subscriber=ada", "--allow=orders:*=subscribe,history", "--allow=a")
	for _, c := range []pushgatetest.Command{
		{Args: []string{"token", "check", text}, Env: secret},
		{Args: []string{"token", "check"}, Env: secret, In: strings.NewReader(text + "\n")},
	} {
		var got struct {
			Subscriber string
			Channels   map[string][]string
		}
		lines := run(t, c)
		if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
			t.Fatal(err)
		}
		if got.Subscriber != "ada" || strings.Join(got.Channels["orders:*"], " ") != "subscribe history" || len(got.Channels) != 2 {
			t.Errorf("got %v", got)
		}
	}
	signed := run(t, pushgatetest.Command{Args: []string{"token", "make", "--key", private, "--key-id=x", "--token-audience=push"}})[0]
	for name, test := range map[string]struct {
		args []string
		env  []string
		code int
		want string
	}{
		"by a key":          {[]string{"token", "check", signed, "--token-key-files", public, "--token-audience=push"}, nil, 0, ""},
		"another audience":  {[]string{"token", "check", signed, "--token-key-files", public, "--token-audience=mail"}, nil, 1, "another audience"},
		"another key":       {[]string{"token", "check", signed}, secret, 1, "not known"},
		"tampered":          {[]string{"token", "check", text[:len(text)-4] + "AAAA"}, secret, 1, "signature"},
		"no key":            {[]string{"token", "check", text}, nil, 2, "token.secret"},
		"nothing to sign":   {[]string{"token", "make"}, nil, 2, "--key"},
		"unknown action":    {[]string{"token", "make", "--allow=a=own"}, secret, 2, "subscribe, publish, history"},
		"no pattern":        {[]string{"token", "make", "--allow=a*b*=subscribe"}, secret, 2, "more than one *"},
		"no name":           {[]string{"token", "make", "--subscriber= ada"}, secret, 2, "--subscriber"},
		"never good":        {[]string{"token", "make", "--expires=0s"}, secret, 2, "--expires"},
		"CA without URLs":   {[]string{"token", "check", text, "--token-jwks-ca", public}, secret, 2, "--token-jwks-ca: it is for token.jwks_urls"},
		"no device claim":   {[]string{"token", "make", "--device=x"}, secret, 2, "token.device_claim"},
		"wrong algorithm":   {[]string{"token", "make", "--algorithm=RS256"}, secret, 2, "HS256"},
		"private on a node": {[]string{"token", "check", text, "--token-key-files", private}, nil, 2, "private key"},
		"short secret":      {[]string{"token", "make", "--token-secret=short"}, nil, 2, "32 or more"},
		"issuer, no key":    {[]string{"serve", "--token-issuer=x"}, nil, 2, "no key for tokens"},
	} {
		code, stderr := outcome(t, pushgatetest.Command{Args: test.args, Env: test.env})
		if code != test.code || !strings.Contains(stderr, test.want) || strings.Count(stderr, "\n") > 1 {
			t.Errorf("%s: exit code %d: %s", name, code, stderr)
		}
		if strings.Contains(stderr, text) || strings.Contains(stderr, signed) {
			t.Errorf("%s: the message tells the token", name)
		}
	}
}

func TestTokenForBackends(t *testing.T) {
	text := makeToken(t, "--scope=pushgate:publish,pushgate:read")
	lines := run(t, pushgatetest.Command{Args: []string{"token", "check", text}, Env: []string{tokenSecret}})
	if !strings.Contains(lines[0], `"scope":["pushgate:publish","pushgate:read"]`) {
		t.Errorf("got %s", lines)
	}
}

// Servers of key sets may be of an authority that only the operator trusts.
func TestKeySetsOfAPrivateAuthority(t *testing.T) {
	authority, dir := certificatetest.New(t), t.TempDir()
	url, private := issuer(t, authority, dir)
	text := run(t, pushgatetest.Command{Args: []string{"token", "make", "--key", private, "--key-id=1"}})[0]
	check := []string{"token", "check", text, "--token-jwks-urls", url}
	run(t, pushgatetest.Command{Args: append(check, "--token-jwks-ca", authority.File)})
	code, stderr := outcome(t, pushgatetest.Command{Args: check})
	if code != 1 || !strings.Contains(stderr, "unknown authority") || !strings.Contains(stderr, "the keys for tokens cannot be had now") {
		t.Errorf("without it: exit code %d: %s", code, stderr)
	}
}

// A node says that its keys are not those of now, and goes on with those that it has.
func TestKeySetsThatCannotBeHad(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	const jwk = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}` // RFC 8037 A.2
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, `{"keys":[`+jwk+`]}`)
	}))
	t.Cleanup(server.Close)
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--token-jwks-urls", server.URL, "--token-jwks-refresh=1s"}})
	failures := fmt.Sprintf("pushgate_token_key_failures_total{source=%q}", server.URL)
	ready := "http://" + s.HTTP + "/readyz"
	if got := page(t, ready); strings.Contains(got, "notes") {
		t.Errorf("before: %s", got)
	}
	down.Store(true)
	eventually(t, func() bool { return s.Metric(failures) > 0 })
	if got := page(t, ready); !strings.Contains(got, `"status":"ready"`) || !strings.Contains(got, "tokens: the keys of "+server.URL+" cannot be fetched") {
		t.Errorf("while it is down: %s", got)
	}
	down.Store(false)
	eventually(t, func() bool { return !strings.Contains(page(t, ready), "notes") })
}

// A node with tokens, from the first to the last: what it lets in, what a reload
// changes, what a revocation ends, and what it says of all that.
func TestTokensOfANode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "pushgate.yaml")
	write := func(allow string) {
		t.Helper()
		if err := os.WriteFile(file, []byte("log: {level: debug}\nnamespaces:\n  user: {allow: {subscribe: ["+allow+"]}}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--config", file}, Env: []string{tokenSecret}, Dir: dir})
	ada := makeToken(t, "--subscriber=ada", "--allow=news=subscribe,history")
	subscribe := func(token string, args ...string) pushgatetest.Command {
		c := s.Command("subscribe", append([]string{"--count=1"}, args...)...)
		c.Env = append(c.Env, "PUSHGATE_TOKEN="+token)
		return c
	}
	s.Publish("news", "1")
	s.Publish("user:ada", "2")
	equal(t, run(t, subscribe(ada, "news", "--from=earliest")), []string{"news 1 1"})
	for name, c := range map[string]pushgatetest.Command{
		"permission_denied":          subscribe(ada, "user:ada"),
		"not a token":                subscribe("a.b.c", "news"),
		"development mode":           s.Command("subscribe", "news", "--subscriber=ada"),
		"the token says who you are": subscribe(ada, "news", "--subscriber=ada"),
	} {
		if code, stderr := outcome(t, c); code == 0 || !strings.Contains(stderr, name) {
			t.Errorf("%s: exit code %d: %s", name, code, stderr)
		}
	}
	write(`"user:{sub}"`)
	run(t, s.Command("reload"))
	run(t, s.Command("publish", "user:ada", "3"))
	live := pushgatetest.Launch(t, subscribe(ada, "user:ada", "--count=2"))
	eve := pushgatetest.Launch(t, subscribe(makeToken(t, "--subscriber=eve", "--allow=news"), "news", "--count=2"))
	for online := 0; online < 2; {
		online = len(run(t, s.Command("connections"))) - 1
	}
	lines := run(t, s.Command("revoke", "--subscriber=ada"))
	if !strings.HasSuffix(lines[0], "disconnected 1 here") {
		t.Errorf("got %q", lines)
	}
	if code := live.Wait(); code == 0 || !strings.Contains(live.Stderr(), "revoked") {
		t.Errorf("exit code %d: %s", code, live.Stderr())
	}
	if lines := run(t, s.Command("revocations")); len(lines) != 2 || !strings.HasPrefix(lines[1], "ada ") {
		t.Errorf("revocations: %q", lines)
	}
	s.Kill()
	s.Restart()
	if code, stderr := outcome(t, subscribe(ada, "news")); code == 0 || !strings.Contains(stderr, "revoked") {
		t.Errorf("after a restart: %d, %s", code, stderr)
	}
	s.WaitStderr(`event=authentication_failed side=websocket address=127.0.0.1 reason="the token is revoked"`)
	if n := s.Metric(`pushgate_authentications_total{result="unauthenticated"}`); n != 1 {
		t.Errorf("%v bad tokens are counted", n)
	}
	for text, want := range map[string]int{ada: 401, ada + "x": 401, makeToken(t, "--subscriber=bob"): 101} {
		ctx, cancel := context.WithTimeout(t.Context(), pushgatetest.Patience)
		socket, response, err := websocket.Dial(ctx, s.WebSocket+"?access_token="+text, nil)
		cancel()
		if response == nil || response.StatusCode != want {
			t.Errorf("in the query: %v", err)
		}
		if socket != nil {
			_ = socket.CloseNow()
		}
	}
	eve.Signal(syscall.SIGINT)
	eve.Wait()
	log := s.Stderr()
	for _, part := range append(strings.Split(ada, "."), "thirty-two") {
		if strings.Contains(log, part) {
			t.Errorf("the log has %q", part)
		}
	}
}

// A revocation that one node was asked for ends sessions on the others of its store.
func TestRevocationReachesOtherNodes(t *testing.T) {
	t.Parallel()
	store := pushgatetest.Command{Args: []string{"--store-url=" + pgtest.New(t)}, Env: []string{tokenSecret}}
	asked, other := pushgatetest.Start(t, store), pushgatetest.Start(t, store)
	ada, eve := makeToken(t, "--subscriber=ada", "--allow=news"), makeToken(t, "--subscriber=eve", "--allow=news")
	hit, spared := visit(t, other, "?channel=news", bearing(ada)), visit(t, other, "?channel=news", bearing(eve))
	hit.until("subscribed", "news")
	spared.until("subscribed", "news")
	run(t, asked.Command("revoke", "--subscriber=ada"))
	hit.until("closing", "token revoked")
	visit(t, other, "", bearing(ada)).is(http.StatusUnauthorized, "revoked")
	asked.Publish("news", "1")
	spared.until("message", `"data":1`)
}
