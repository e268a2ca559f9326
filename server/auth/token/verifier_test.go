package token_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"

	"pushgate/push"
	"pushgate/push/wire"
	"pushgate/server/auth/token"
)

const patience = 30 * time.Second

// signer is a key of an issuer's.
type signer struct {
	id  string
	key ed25519.PrivateKey
}

func newSigner(t *testing.T, id string) signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{id, key}
}

func (s signer) jwk() string {
	return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","use":"sig","kid":%q,"x":%q}`,
		s.id, base64.RawURLEncoding.EncodeToString(s.key.Public().(ed25519.PublicKey)))
}

func (s signer) sign(t *testing.T) string {
	t.Helper()
	made := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{"sub": "ada", "exp": time.Now().Add(time.Hour).Unix()})
	made.Header["kid"] = s.id
	text, err := made.SignedString(s.key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func set(signers ...signer) string {
	keys := make([]string, len(signers))
	for i, s := range signers {
		keys[i] = s.jwk()
	}
	return `{"keys":[` + strings.Join(keys, ",") + `]}`
}

// issuer publishes whatever answer holds.
type issuer struct {
	*httptest.Server
	answer atomic.Pointer[http.HandlerFunc]
	asked  atomic.Int64
}

func (i *issuer) say(f http.HandlerFunc) { i.answer.Store(&f) }

func (i *issuer) publish(text string) {
	i.say(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.publish(`{"keys":[]}`)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		(*i.answer.Load())(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

func config() token.Config {
	rules, _ := token.NewRules(token.Allow{}, nil)
	return token.Config{
		Refresh: time.Hour, MaxBytes: 8 << 10, Rules: rules, Logger: slog.New(slog.DiscardHandler),
		Names: token.ClaimNames{Subscriber: "sub", Channels: "channels"},
	}
}

func start(t *testing.T, c token.Config) *token.Verifier {
	t.Helper()
	v, err := token.New(c)
	if err != nil {
		t.Fatal(err)
	}
	v.Start()
	t.Cleanup(v.Stop)
	return v
}

// following verifies by what issuers publish, and asks them whenever there is a reason.
func following(t *testing.T, all ...*issuer) *token.Verifier {
	t.Helper()
	c := config()
	c.AskInterval = time.Nanosecond
	for _, i := range all {
		c.URLs = append(c.URLs, i.URL)
	}
	return start(t, c)
}

// good wants a token to be taken.
func good(t *testing.T, v *token.Verifier, by signer) {
	t.Helper()
	if got := code(t, v, by.sign(t)); got != "" {
		t.Fatalf("a token of %q: %s", by.id, got)
	}
}

// code is what a token is answered with; "" is good.
func code(t *testing.T, v *token.Verifier, text string) wire.Code {
	t.Helper()
	_, err := v.Verify(t.Context(), text)
	if err == nil {
		return ""
	}
	var e *push.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	return e.Code
}

func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not come about")
		}
	}
}

func TestPublishedKeys(t *testing.T) {
	first, second := newSigner(t, "first"), newSigner(t, "second")
	server := newIssuer(t)
	server.publish(set(first))
	c := config()
	c.URLs = []string{server.URL}
	v := start(t, c)
	if got := code(t, v, first.sign(t)); got != "" {
		t.Fatalf("a token right after the start: %s", got)
	}
	if got := code(t, v, second.sign(t)); got != wire.CodeUnauthenticated {
		t.Errorf("an unknown key: %s", got)
	}
	// One with a known id and another's signature.
	if got := code(t, v, signer{"first", second.key}.sign(t)); got != wire.CodeUnauthenticated {
		t.Errorf("a borrowed id: %s", got)
	}
	for range 20 {
		_ = code(t, v, second.sign(t))
	}
	if asked := server.asked.Load(); asked > 2 {
		t.Errorf("unknown keys had the server asked %d times", asked)
	}
}

func TestAnUnknownKeyIsFetched(t *testing.T) {
	first, second := newSigner(t, "first"), newSigner(t, "second")
	server := newIssuer(t)
	server.publish(set(first))
	v := following(t, server)
	good(t, v, first)
	server.publish(set(second))
	if got := code(t, v, second.sign(t)); got != "" {
		t.Errorf("the new key: %s", got)
	}
	if got := code(t, v, first.sign(t)); got != wire.CodeUnauthenticated {
		t.Errorf("the old key: %s", got)
	}
}

func TestServersThatFail(t *testing.T) {
	key, unknown := newSigner(t, "a"), newSigner(t, "b")
	for name, answer := range map[string]http.HandlerFunc{
		"error":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"rubbish": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"no keys": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
		"bad keys": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":7}]}`))
		},
		"a secret": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"keys":[{"kty":"oct","k":"YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE"}]}`))
		},
		"too large": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(append([]byte(set(unknown)), make([]byte, 2<<20)...))
		},
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://keys.example/", http.StatusFound)
		},
		"breaks off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"keys":[`))
		},
		"slow": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newIssuer(t)
			server.publish(set(key))
			v := following(t, server)
			good(t, v, key)
			server.say(answer)
			if got := code(t, v, unknown.sign(t)); got != wire.CodeUnavailable {
				t.Errorf("an unknown key: %s", got)
			}
			if got := code(t, v, key.sign(t)); got != "" {
				t.Errorf("a known key: %s", got)
			}
			server.publish(set(key, unknown))
			eventually(t, func() bool { return code(t, v, unknown.sign(t)) == "" })

			never := newIssuer(t)
			never.say(answer)
			v = following(t, never)
			if got := code(t, v, key.sign(t)); got != wire.CodeUnavailable {
				t.Errorf("no key was ever had: %s", got)
			}
			never.publish(set(key))
			eventually(t, func() bool { return code(t, v, key.sign(t)) == "" })
		})
	}
}

func TestServerThatIsDown(t *testing.T) {
	key, unknown := newSigner(t, "a"), newSigner(t, "b")
	server := newIssuer(t)
	server.publish(set(key))
	v := following(t, server)
	good(t, v, key)
	server.Close()
	if got := code(t, v, unknown.sign(t)); got != wire.CodeUnavailable {
		t.Errorf("an unknown key: %s", got)
	}
	if got := code(t, v, key.sign(t)); got != "" {
		t.Errorf("a known key: %s", got)
	}
}

// One that does not answer keeps nobody from the keys of another.
func TestOneOfTwoServersHangs(t *testing.T) {
	key := newSigner(t, "b")
	hanging, server := newIssuer(t), newIssuer(t)
	hanging.say(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	server.publish(set(newSigner(t, "a")))
	v := following(t, hanging, server)
	eventually(t, func() bool { return server.asked.Load() > 0 })
	server.publish(set(key))
	if got := code(t, v, key.sign(t)); got != "" {
		t.Errorf("a new key: %s", got)
	}
}

// A token of a key that is here waits for no server.
func TestOwnKeysNeedNoServer(t *testing.T) {
	key := newSigner(t, "own")
	hanging := newIssuer(t)
	hanging.say(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := config()
	c.Secret, c.URLs = strings.Repeat("s", 32), []string{hanging.URL}
	path := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, []byte(strings.Replace(key.jwk(), `"kid":"own",`, "", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	c.KeyFiles = []string{path}
	v := start(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // so it cannot wait
	if _, err := v.Verify(ctx, key.sign(t)); err != nil {
		t.Error(err)
	}
	if got := code(t, v, key.sign(t)); got != "" {
		t.Error(got)
	}
}

// Keys and tokens may do without ids; a key that was replaced is noticed all the same.
func TestRotationWithoutIDs(t *testing.T) {
	first, second := newSigner(t, ""), newSigner(t, "")
	server := newIssuer(t)
	server.publish(set(first))
	v := following(t, server)
	good(t, v, first)
	server.publish(set(second))
	if got := code(t, v, second.sign(t)); got != "" {
		t.Errorf("the new key: %s", got)
	}
	if got := code(t, v, first.sign(t)); got != wire.CodeUnauthenticated {
		t.Errorf("the old key: %s", got)
	}
}

func TestServersWithoutTLS(t *testing.T) {
	for address, want := range map[string]bool{
		"https://keys.example/jwks": true, "http://keys.example/jwks": false, "http://127.0.0.1:1/": true, "http://[::1]:1/": true,
		"http://localhost/": true, "http://localhost.example/": false, "file:///etc/passwd": false, "https://": false,
		"https://ada:hunter2@keys.example/": false, "::": false,
	} {
		c := config()
		c.URLs = []string{address}
		_, err := token.New(c)
		if (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestFilesAreReadAgain(t *testing.T) {
	first, second := newSigner(t, "first"), newSigner(t, "second")
	path := filepath.Join(t.TempDir(), "keys.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	write(first.jwk())
	c, registry := config(), prometheus.NewRegistry()
	c.KeyFiles, c.Registry = []string{path}, registry
	v := start(t, c)
	if got := code(t, v, first.sign(t)); got != "" {
		t.Fatal(got)
	}
	write(set(first, second))
	eventually(t, func() bool { return code(t, v, second.sign(t)) == "" })
	write("rubbish")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(set(second))
	eventually(t, func() bool { return code(t, v, first.sign(t)) != "" })
	if got := code(t, v, second.sign(t)); got != "" {
		t.Errorf("it is still there: %s", got)
	}
	// Of the same size and time, as what was copied with its times.
	third := newSigner(t, "third1")
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", []byte(set(third)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path+".new", before.ModTime(), before.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(path); err != nil || after.Size() != before.Size() {
		t.Fatalf("the sizes are %d and %d; %v", before.Size(), after.Size(), err)
	}
	eventually(t, func() bool { return code(t, v, third.sign(t)) == "" })
	// Opening a pipe would wait for ever, and Stop with it.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return failures(t, registry, path) > 0 })
	v.Stop()
}

// failures are those of a source in the metrics.
func failures(t *testing.T, registry *prometheus.Registry, source string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "pushgate_token_key_failures_total" && m.GetLabel()[0].GetValue() == source {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func TestKeysThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	for name, test := range map[string]struct {
		content string
		want    string
	}{
		"short secret":  {`{"kty":"oct","k":"YWFh"}`, "32 or more"},
		"private":       {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "private key"},
		"nothing":       {"hello", "neither"},
		"empty":         {"", "neither"},
		"broken":        {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "cannot be read"},
		"another kind":  {`{"kty":"oct","alg":"RS256","k":"` + strings.Repeat("YWFh", 20) + `"}`, "another kind"},
		"wrapping":      {strings.Replace(newSigner(t, "a").jwk(), `"use":"sig"`, `"key_ops":["encrypt"]`, 1), "no key"},
		"encryption":    {strings.Replace(newSigner(t, "a").jwk(), `"sig"`, `"enc"`, 1), "no key"},
		"too many keys": {set(make65(t)...), "more than 64"},
	} {
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		c := config()
		c.KeyFiles = []string{path}
		if _, err := token.New(c); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := config()
	c.Secret = "short"
	if _, err := token.New(c); err == nil || strings.Contains(err.Error(), "short") {
		t.Errorf("short secret: %v", err)
	}
}

func make65(t *testing.T) (all []signer) {
	one := newSigner(t, "x")
	for range 65 {
		all = append(all, one)
	}
	return all
}

func FuzzVerify(f *testing.F) {
	const secret = "a secret of at least thirty-two bytes"
	c := config()
	c.Secret, c.Names.Device = secret, "device"
	v, err := token.New(c)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("garbage", true)
	f.Add(`{"sub":"ada","exp":9999999999,"channels":{"a:*":["subscribe"]}}`, false)
	f.Add(`{"sub":"ada","device":"x","exp":9e9,"iat":1.5,"channels":[{"pattern":"a*b:c","allow":["publish"]}]}`, false)
	f.Add(`{"sub":"a\u0000","exp":1e300,"channels":[[[]]]}`, false)
	f.Fuzz(func(t *testing.T, text string, whole bool) {
		if !whole { // as claims of a token that is signed well
			head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(text))
			signature, err := jwt.SigningMethodHS256.Sign(head, []byte(secret))
			if err != nil {
				t.Fatal(err)
			}
			text = head + "." + base64.RawURLEncoding.EncodeToString(signature)
		}
		claims, err := v.Verify(t.Context(), text)
		if err != nil {
			var e *push.Error
			if !errors.As(err, &e) || e.Code != wire.CodeUnauthenticated {
				t.Fatalf("%v", err)
			}
			return
		}
		if claims.Subscriber != "" && push.ValidateSubscriber(claims.Subscriber) != nil || claims.Expires.Before(time.Now().Add(-time.Minute)) {
			t.Fatalf("%+v", claims)
		}
		grant, err := v.Authenticate(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		for _, channel := range []string{"a", "a:b", ":", "*", "{sub}", claims.Subscriber} {
			if len(claims.Channels()) == 0 && grant.Access.May(push.ActionSubscribe, channel) {
				t.Fatalf("%q out of nothing", channel)
			}
		}
	})
}

func FuzzPatterns(f *testing.F) {
	const secret = "a secret of at least thirty-two bytes"
	c := config()
	c.Secret = secret
	v, err := token.New(c)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("a:*", "a:b:c")
	f.Add("a*b:*:c", "axb:y:c")
	f.Fuzz(func(t *testing.T, pattern, channel string) {
		if push.ValidateChannel(channel) != nil || !utf8.ValidString(pattern) {
			return
		}
		text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
			"exp": time.Now().Add(time.Hour).Unix(), "channels": map[string]any{pattern: []string{"subscribe"}},
		}).SignedString([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		grant, err := v.Authenticate(t.Context(), text)
		if err != nil {
			return
		}
		allowed := grant.Access.May(push.ActionSubscribe, channel)
		if !strings.Contains(pattern, "*") && allowed != (pattern == channel) {
			t.Fatalf("%q and %q: %v", pattern, channel, allowed)
		}
		if name, _, found := strings.Cut(pattern, ":"); found && !strings.Contains(name, "*") && allowed && !strings.HasPrefix(channel, name+":") {
			t.Fatalf("%q reaches %q in another namespace", pattern, channel)
		}
	})
}
