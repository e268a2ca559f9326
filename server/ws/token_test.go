package ws_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"pushgate/push"
	"pushgate/server/admission"
	"pushgate/server/auth/token"
	"pushgate/server/ws"
)

const secret = "a secret of at least thirty-two bytes"

// claims are a token's; exp is added unless it is there.
type claims = jwt.MapClaims

// everything is a claim that allows all of it.
var everything = map[string]any{"*": []string{"subscribe", "publish", "history"}}

// sign makes a token.
func sign(t *testing.T, method jwt.SigningMethod, key any, c claims, header ...any) string {
	t.Helper()
	if _, found := c["exp"]; !found {
		c["exp"] = time.Now().Add(time.Hour).Unix()
	}
	made := jwt.NewWithClaims(method, c)
	for i := 0; i+1 < len(header); i += 2 {
		made.Header[header[i].(string)] = header[i+1]
	}
	text, err := made.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// tokenFor is a good token by the secret.
func tokenFor(t *testing.T, subscriber string, channels any, more ...any) string {
	t.Helper()
	c := claims{"sub": subscriber, "channels": channels}
	for i := 0; i+1 < len(more); i += 2 {
		c[more[i].(string)] = more[i+1]
	}
	return sign(t, jwt.SigningMethodHS256, []byte(secret), c)
}

// withTokens has a node want tokens.
func withTokens(t *testing.T, change ...func(*token.Config, *ws.Tokens)) setting {
	t.Helper()
	return func(s *setup) {
		rules, err := token.NewRules(token.Allow{Public: []string{"lobby"}}, map[string]token.Allow{
			"user": {Subscribe: []string{"user:{sub}"}, History: []string{"user:{sub}"}, Publish: []string{"user:{sub}"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		c := token.Config{
			Secret: secret, MaxBytes: 8 << 10, Refresh: time.Hour, Rules: rules, Logger: s.Logger,
			Names: token.ClaimNames{Subscriber: "sub", Channels: "channels"},
		}
		tokens := &ws.Tokens{Timeout: patience, Notice: 30 * time.Second}
		for _, f := range change {
			f(&c, tokens)
		}
		v, err := token.New(c)
		if err != nil {
			t.Fatal(err)
		}
		v.Start()
		t.Cleanup(v.Stop)
		tokens.Authenticate = func(ctx context.Context, c ws.Credentials) (push.Grant, error) { return v.Authenticate(ctx, c.Token) }
		if tokens.Anonymous != nil {
			tokens.Anonymous = v.Anonymous
		}
		s.options.Tokens = tokens
		s.Namespaces.Default.ClientPublish = true
	}
}

// tryDial connects with a header, or answers the refusal.
func (n *node) tryDial(query string, header http.Header, protocols ...string) (c *client, status int, body map[string]string, challenge string) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	socket, response, err := websocket.Dial(ctx, n.url()+"?"+query,
		&websocket.DialOptions{HTTPClient: n.client(), HTTPHeader: header, Subprotocols: protocols})
	if err != nil {
		if response == nil {
			n.t.Fatal(err)
		}
		_ = json.NewDecoder(response.Body).Decode(&body)
		return nil, response.StatusCode, body, response.Header.Get("WWW-Authenticate")
	}
	if got := response.Header.Get("Sec-WebSocket-Protocol"); got != "" && got != ws.Subprotocol {
		n.t.Errorf("the answer names the subprotocol %q", got)
	}
	n.t.Cleanup(func() { _ = socket.CloseNow() })
	return &client{t: n.t, socket: socket}, response.StatusCode, nil, ""
}

func TestTokensAreTakenInEachPlace(t *testing.T) {
	n := start(t, withTokens(t))
	good, other := tokenFor(t, "ada", everything), tokenFor(t, "eve", everything)
	bearer := http.Header{"Authorization": {"bearer " + good}}
	for _, test := range []struct {
		name      string
		query     string
		header    http.Header
		protocols []string
		want      int
	}{
		{"header", "", bearer, nil, 101},
		{"query", "access_token=" + good, nil, nil, 101},
		{"subprotocol", "", nil, []string{ws.Subprotocol, "pushgate.token." + good}, 101},
		{"subprotocol alone", "", nil, []string{"pushgate.token." + good}, 101},
		{"the same in all", "access_token=" + good, bearer, []string{"pushgate.token." + good}, 101},
		{"two that differ", "access_token=" + other, bearer, nil, 400},
		{"two that differ, of one place", "access_token=" + other + "&access_token=" + good, nil, nil, 400},
		{"the second of two is bad", "access_token=x", bearer, nil, 400},
		{"a subscriber in the query", "subscriber=ada&access_token=" + good, nil, nil, 400},
		{"a subscriber in the query only", "subscriber=ada", nil, nil, 400},
		{"an empty one first", "access_token=&access_token=" + good, nil, nil, 101},
		{"an empty one after", "access_token=" + good + "&access_token=", nil, nil, 101},
		{"a query that is none", "access_token=" + good + "%zz", nil, nil, 400},
		{"a query with a semicolon", "x=1;access_token=" + good, nil, nil, 400},
		{"another subprotocol", "", nil, []string{"mqtt", "pushgate.token." + good}, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, status, body, _ := n.tryDial(test.query, test.header, test.protocols...)
			if status != test.want {
				t.Fatalf("got %d %v", status, body)
			}
			if c != nil {
				c.expect("connected", frame{"subscriber": "ada"})
			}
		})
	}
}

func TestBadTokens(t *testing.T) {
	dir := t.TempDir()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, foreign, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := publicPEM(t, &rsaKey.PublicKey)
	path := filepath.Join(dir, "rsa.pem")
	if err := os.WriteFile(path, public, 0o600); err != nil {
		t.Fatal(err)
	}
	var log lockedBuffer
	n := start(t, func(s *setup) {
		s.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}, withTokens(t, func(c *token.Config, _ *ws.Tokens) {
		c.Issuer, c.Audience, c.KeyFiles = "idp", []string{"push", "other"}, []string{path}
	}))
	hs := jwt.SigningMethodHS256
	with := func(changes ...any) claims {
		c := claims{"sub": "ada", "iss": "idp", "aud": "push", "channels": everything}
		for i := 0; i+1 < len(changes); i += 2 {
			if changes[i+1] == nil {
				delete(c, changes[i].(string))
				continue
			}
			c[changes[i].(string)] = changes[i+1]
		}
		return c
	}
	now := time.Now()
	good := sign(t, hs, []byte(secret), with())
	head, rest, _ := strings.Cut(good, ".")
	body, signature, _ := strings.Cut(rest, ".")
	many := map[string]any{}
	for i := range 101 {
		many["c"+strings.Repeat("x", i)] = []string{"subscribe"}
	}
	bad := map[string]string{
		"tampered body":           head + "." + flip(body) + "." + signature,
		"tampered signature":      head + "." + body + "." + flip(signature),
		"last character":          head + "." + body + "." + lastFlipped(signature),
		"no signature":            head + "." + body + ".",
		"two parts":               head + "." + body,
		"garbage":                 "garbage",
		"control characters":      "a%0a%1b[31m.b.c",
		"long":                    strings.Repeat("a", 9000),
		"long and well-formed":    sign(t, hs, []byte(secret), with("filler", strings.Repeat("x", 9000))),
		"none":                    sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, with()),
		"foreign secret":          sign(t, hs, []byte("another secret of more than 32 bytes"), with()),
		"foreign key":             sign(t, jwt.SigningMethodEdDSA, foreign, with()),
		"public key as a secret":  sign(t, hs, public, with()),
		"expired":                 sign(t, hs, []byte(secret), with("exp", now.Add(-time.Minute).Unix())),
		"never expires":           sign(t, hs, []byte(secret), with("exp", json.RawMessage("1e300"))),
		"exp is a word":           sign(t, hs, []byte(secret), with("exp", "soon")),
		"not yet":                 sign(t, hs, []byte(secret), with("nbf", now.Add(time.Hour).Unix())),
		"nbf beyond all":          sign(t, hs, []byte(secret), with("nbf", json.RawMessage("1e300"))),
		"issued in the future":    sign(t, hs, []byte(secret), with("iat", now.Add(time.Hour).Unix())),
		"issuer":                  sign(t, hs, []byte(secret), with("iss", "eve")),
		"no issuer":               sign(t, hs, []byte(secret), with("iss", nil)),
		"audience":                sign(t, hs, []byte(secret), with("aud", []string{"mail", "pushes"})),
		"no audience":             sign(t, hs, []byte(secret), with("aud", nil)),
		"subscriber is a number":  sign(t, hs, []byte(secret), with("sub", 7)),
		"subscriber is empty":     sign(t, hs, []byte(secret), with("sub", "")),
		"subscriber of two lines": sign(t, hs, []byte(secret), with("sub", "ada\nlevel=ERROR")),
		"subscriber is long":      sign(t, hs, []byte(secret), with("sub", strings.Repeat("ж", 128))),
		"subscriber of bytes":     sign(t, hs, []byte(secret), with("sub", json.RawMessage(`"ada\ud800"`))),
		"issuer is a number":      sign(t, hs, []byte(secret), with("iss", 7)),
		"audience is a number":    sign(t, hs, []byte(secret), with("aud", 7)),
		"a line break in it":      head + "." + body + ".%0d%0a" + signature,
		"a line break behind it":  good + "%0a",
		"channels is a word":      sign(t, hs, []byte(secret), with("channels", "*")),
		"unknown action":          sign(t, hs, []byte(secret), with("channels", map[string]any{"a": []string{"own"}})),
		"two stars":               sign(t, hs, []byte(secret), with("channels", map[string]any{"a*b*": []string{"subscribe"}})),
		"empty pattern":           sign(t, hs, []byte(secret), with("channels", map[string]any{"": []string{"subscribe"}})),
		"too many patterns":       sign(t, hs, []byte(secret), with("channels", many)),
		"critical header":         sign(t, hs, []byte(secret), with(), "crit", []string{"x"}),
	}
	withoutExp := jwt.NewWithClaims(hs, with())
	if bad["no exp"], err = withoutExp.SignedString([]byte(secret)); err != nil {
		t.Fatal(err)
	}
	inBand, _, _, _ := n.tryDial("", nil)
	inBand.expect("connected", nil)
	for name, text := range bad {
		t.Run(name, func(t *testing.T) {
			_, status, body, challenge := n.tryDial("access_token="+text, nil)
			if status != http.StatusUnauthorized || body["code"] != "unauthenticated" || !strings.HasPrefix(challenge, "Bearer") {
				t.Errorf("got %d %v %q", status, body, challenge)
			}
			if len(text) > 20 && strings.Contains(body["message"], text[:20]) {
				t.Errorf("the answer tells the token: %v", body)
			}
			for part := range strings.SplitSeq(text, ".") {
				if len(part) > 12 && strings.Contains(log.String(), part) {
					t.Errorf("the log tells a part of the token")
				}
			}
		})
	}
	for _, text := range []string{good, sign(t, jwt.SigningMethodPS384, rsaKey, with("aud", []string{"x", "other"}))} {
		c, status, body, _ := n.tryDial("access_token="+text, nil)
		if c == nil {
			t.Fatal(status, body)
		}
		c.expect("connected", frame{"subscriber": "ada"})
	}
}

// flip changes a character in the middle.
func flip(text string) string {
	i := len(text) / 2
	other := byte('A')
	if text[i] == other {
		other = 'B'
	}
	return text[:i] + string(other) + text[i+1:]
}

// lastFlipped changes a bit of the last character that stands for none of the value.
func lastFlipped(text string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, text[len(text)-1])
	return text[:len(text)-1] + string(alphabet[last^1])
}

func publicPEM(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// lockedBuffer is a log that goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func TestEveryAlgorithm(t *testing.T) {
	dir := t.TempDir()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	write := func(name string, content []byte) {
		files = append(files, filepath.Join(dir, name))
		if err := os.WriteFile(files[len(files)-1], content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("rsa", publicPEM(t, &rsaKey.PublicKey))
	write("ed", publicPEM(t, edKey.Public()))
	curves := map[jwt.SigningMethod]elliptic.Curve{
		jwt.SigningMethodES256: elliptic.P256(), jwt.SigningMethodES384: elliptic.P384(), jwt.SigningMethodES512: elliptic.P521(),
	}
	keys := map[jwt.SigningMethod]any{jwt.SigningMethodEdDSA: edKey}
	for method, curve := range curves {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[method] = key
		write(method.Alg(), publicPEM(t, &key.PublicKey))
	}
	for _, method := range []jwt.SigningMethod{jwt.SigningMethodHS256, jwt.SigningMethodHS384, jwt.SigningMethodHS512} {
		keys[method] = []byte(secret)
	}
	for _, method := range []jwt.SigningMethod{
		jwt.SigningMethodRS256, jwt.SigningMethodRS384, jwt.SigningMethodRS512,
		jwt.SigningMethodPS256, jwt.SigningMethodPS384, jwt.SigningMethodPS512,
	} {
		keys[method] = rsaKey
	}
	n := start(t, withTokens(t, func(c *token.Config, _ *ws.Tokens) { c.KeyFiles = files }))
	few := start(t, withTokens(t, func(c *token.Config, _ *ws.Tokens) { c.KeyFiles, c.Algorithms = files, []string{"ES256"} }))
	if len(keys) != len(token.Algorithms) {
		t.Errorf("%d of %d algorithms are tested", len(keys), len(token.Algorithms))
	}
	for method, key := range keys {
		text := sign(t, method, key, claims{"sub": "ada"})
		if c, status, body, _ := n.tryDial("access_token="+text, nil); c == nil {
			t.Errorf("%s: %d %v", method.Alg(), status, body)
		}
		if c, _, _, _ := few.tryDial("access_token="+text, nil); (c != nil) != (method.Alg() == "ES256") {
			t.Errorf("%s: allowed %v", method.Alg(), c != nil)
		}
	}
}

// From an address that has shown bad tokens more are not answered at once; what that
// costs another behind it depends on who has to be asked.
func TestAddressesThatShowBadTokens(t *testing.T) {
	for name, local := range map[string]bool{"verified here": true, "somebody is asked": false} {
		t.Run(name, func(t *testing.T) { addressesThatShowBadTokens(t, local) })
	}
}

func addressesThatShowBadTokens(t *testing.T, local bool) {
	n := start(t, withTokens(t, func(_ *token.Config, tokens *ws.Tokens) { tokens.Local = local }), behind(t, "127.0.0.1"), func(s *setup) {
		s.options.Failures = admission.NewFailures(30)
	})
	from := func(address, token string) (status int, body map[string]string) {
		_, status, body, _ = n.tryDial("access_token="+token, http.Header{"X-Forwarded-For": {address}})
		return status, body
	}
	good := tokenFor(t, "ada", nil)
	inBand, _, _, _ := n.tryDial("", http.Header{"X-Forwarded-For": {"203.0.113.5"}})
	inBand.expect("connected", nil)
	slowed := false
	for range 1000 {
		if status, body := from("203.0.113.5", "x"); status == http.StatusServiceUnavailable && body["code"] == "resource_exhausted" {
			slowed = true
			break
		}
	}
	if !slowed {
		t.Fatal("1000 bad tokens were looked at")
	}
	inBand.send(frame{"type": "auth", "token": "x"})
	if f := inBand.expect("error", nil); f["code"] != "resource_exhausted" && f["code"] != "unauthenticated" {
		t.Errorf("in-band: %v", f)
	}
	if status, body := from("203.0.113.6", good); status != 101 {
		t.Errorf("another address: %d %v", status, body)
	}
	if local {
		if status, body := from("203.0.113.5", good); status != 101 {
			t.Errorf("a good token: %d %v", status, body)
		}
		return
	}
	eventually(t, func() bool { status, _ := from("203.0.113.5", good); return status == 101 })
}
