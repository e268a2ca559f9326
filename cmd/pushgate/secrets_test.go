package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/store/postgres/pgtest"
)

// Whatever a node is given as secret, and whatever clients show it, good or bad, by
// every way there is, it tells nobody: not its log, not its metrics, no answer.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("SECRET-"+name+"-0123456789abcdef0123456789abcdef\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const tokenKey = "SECRET-token-0123456789abcdef0123456789abcdef"
	key, hash := newKey(t)
	read, readHash := newKey(t)
	store, err := url.Parse(pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	store.User = url.UserPassword(store.User.Username(), "SECRET-store")
	adminSecret, authorizerSecret := secret("admin"), secret("authorizer")
	path := configuration(t, fmt.Sprintf(`
log: {level: debug, format: json}
callers:
  shop: {keys: [%s], publish: ['*'], control: all}
  reader: {keys: [%s], control: read}
kafka: {brokers: ['127.0.0.1:1'], sources: {a: {topics: [t]}}, sasl_mechanism: SCRAM-SHA-512, sasl_username: me}
namespaces: {asked: {authorize: true}}
authorizer: {address: '127.0.0.1:1', secret_file: %s}
admin: {address: '127.0.0.1:0', token_file: %s}
http: {trusted_proxies: ['127.0.0.0/8']}
`, hash, readHash, authorizerSecret, adminSecret))
	env := []string{"PUSHGATE_TOKEN_SECRET=" + tokenKey, "PUSHGATE_STORE_URL=" + store.String(), "PUSHGATE_KAFKA_SASL_PASSWORD=SECRET-kafka"}
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--config", path, "--shutdown-drain=0s"}, Env: env})

	good := run(t, pushgatetest.Command{Args: []string{"token", "make", "--subscriber=ada", "--allow=*=subscribe,publish,history"}, Env: env[:1]})[0]
	short := run(t, pushgatetest.Command{Args: []string{"token", "make", "--subscriber=ada", "--expires=1s"}, Env: env[:1]})[0]
	parts := strings.Split(good, ".")
	foreign := parts[0] + "." + parts[1] + "." + "SECRETsignature0123456789"
	var said bytes.Buffer // by every answer
	for name, token := range map[string]string{"good": good, "short": short, "foreign": foreign, "rubbish": "SECRET-rubbish", "long": "SECRET-" + strings.Repeat("x", 9000)} {
		for way, header := range map[string]http.Header{
			"":                       bearing(token),
			"?access_token=" + token: nil,
			"?channel=SECRETLY&access_token=x&access_token=" + token: nil,
			"?channel=protocol": {"Sec-Websocket-Protocol": {"pushgate.token." + token}},
			"?channel=basic":    {"Authorization": {"Basic " + token}},
		} {
			g := visit(t, s, way, header)
			said.WriteString(g.body)
			if g.conn == nil {
				continue
			}
			if name == "good" && way == "" {
				g.send(`{"type":"subscribe","id":1,"channel":"asked:1"}`)
				said.WriteString(g.until("error", "unavailable"))
			}
			g.send(`{"type":"auth","id":2,"token":` + quoted(token) + `}`)
			g.send(`{"type":"auth","id":3,"tokens":` + quoted(token) + `}`)
			g.send(`{"type":"` + token + `","id":4}`)
			g.send(`{"type":"ping","id":5}`)
			said.WriteString(everything(t, g))
		}
	}
	conn := dialed(t, s)
	for _, shown := range []string{"Bearer " + key, "Bearer " + read, "Bearer " + key + "x", "Bearer SECRET-rubbish", "Basic SECRET-basic", "Bearer " + good, "SECRET-bare"} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", shown, "x-secret", "SECRET-metadata")
		_, err := pb.NewPublishServiceClient(conn).Publish(ctx, &pb.PublishRequest{Channel: "news", Data: []byte("1")})
		connections, err2 := pb.NewControlServiceClient(conn).ListConnections(ctx, &pb.ListConnectionsRequest{Closed: true})
		_, err3 := pb.NewControlServiceClient(conn).ReloadConfiguration(ctx, &pb.ReloadConfigurationRequest{})
		fmt.Fprint(&said, err, err2, err3, connections)
	}
	s.WaitStderr("kafka")
	s.WaitStderr("the authorizer failed")
	at := regexp.MustCompile(`"admin":"([^"]+)"`).FindStringSubmatch(s.Stderr())[1]
	content, err := os.ReadFile(adminSecret)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{"Bearer " + strings.TrimSpace(string(content)), "Bearer SECRET-wrong", "Basic SECRET-wrong"} {
		for _, path := range []string{"/metrics", "/readyz", "/debug/pprof/cmdline", "/debug/pprof/?x=SECRET-query"} {
			got := ask(t, http.DefaultClient, "http://"+at+path, shown)
			said.WriteString(got.body)
		}
	}
	shown := pushgatetest.Run(t, pushgatetest.Command{Args: []string{"config", "--config", path}, Env: env})
	if shown.Code != 0 || !strings.Contains(shown.Out, "REDACTED") {
		t.Errorf("config: %+v", shown)
	}
	for _, text := range []string{"SECRET-token", "SECRET-store", "SECRET-kafka"} {
		if strings.Contains(shown.Out+shown.Err, text) {
			t.Errorf("config tells %s", text)
		}
	}
	s.Stop()
	forbidden := []string{"SECRET-", "SECRETsignature", parts[1], parts[2], strings.Split(short, ".")[2], key, key[:20], read}
	for where, text := range map[string]string{"the log": s.Stderr(), "an answer": said.String(), "standard output": strings.Join(s.Rest(), "\n")} {
		for _, f := range forbidden {
			if i := strings.Index(text, f); i >= 0 {
				t.Errorf("%s has %q: …%.200s", where, f, text[max(0, i-100):])
			}
		}
	}
}

// everything is what a client is told until its ping 5 is answered, or to the end.
func everything(t *testing.T, g *guest) (said string) {
	ctx, cancel := context.WithTimeout(t.Context(), pushgatetest.Patience)
	defer cancel()
	for {
		_, frame, err := g.conn.Read(ctx)
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		said += string(frame)
		if err != nil || strings.Contains(string(frame), `"pong"`) {
			return said
		}
	}
}

// A secret that is in the wrong place, or not understood, is not repeated by the line
// that says so.
func TestSecretsThatAreWrong(t *testing.T) {
	_, hash := newKey(t)
	for name, c := range map[string]struct {
		yaml string
		env  string
		args []string
	}{
		"a store's port":          {env: "PUSHGATE_STORE_URL=postgres://me:hunter2@127.0.0.1:port/db"},
		"a store's own @":         {env: "PUSHGATE_STORE_URL=postgres://me:p@hunter2@127.0.0.1:1/db", args: []string{"--store-connect-timeout=1s"}},
		"a store's escape":        {env: "PUSHGATE_STORE_URL=postgres://me:hunter2%zz@127.0.0.1:1/db"},
		"another store":           {env: "PUSHGATE_STORE_URL=mysql://me:hunter2@127.0.0.1/db"},
		"words for a store":       {env: "PUSHGATE_STORE_URL=host=127.0.0.1 password=hunter2 port=x"},
		"a setting of a store":    {env: "PUSHGATE_STORE_URL=postgres://me:hunter2@127.0.0.1/db?sslmode=some&password=hunter2"},
		"a store that is away":    {env: "PUSHGATE_STORE_URL=postgres://me:hunter2@127.0.0.1:1/db", args: []string{"--store-connect-timeout=1s"}},
		"a store in the file":     {yaml: "store: {url: 'postgres://me:hunter2@127.0.0.1:port/db'}"},
		"a short secret":          {env: "PUSHGATE_TOKEN_SECRET=hunter2"},
		"a list for a secret":     {yaml: "token: {secret: [hunter2, b]}"},
		"a map for a secret":      {yaml: "token: {secret: {hunter2: b}}"},
		"a map for a password":    {yaml: "kafka: {sasl_password: {a: hunter2}}"},
		"a key for its hash":      {yaml: "callers: {a: {keys: [pgk_hunter2]}}"},
		"words for a hash":        {yaml: "callers: {a: {keys: ['hunter2']}}"},
		"a key's own words":       {yaml: "callers: {a: {keys: [" + hash + "], key: hunter2}}"},
		"a JWKS URL's password":   {yaml: "token: {jwks_urls: ['ftp://me:hunter2@127.0.0.1/']}"},
		"a JWKS URL's escape":     {yaml: "token: {jwks_urls: ['https://me:hunter2%zz@127.0.0.1/']}"},
		"a JWKS URL in the clear": {yaml: "token: {jwks_urls: ['http://me:hunter2@192.0.2.1/']}"},
		"an authorizer's":         {yaml: "authorizer: {address: 'https://me:hunter2@127.0.0.1:1', connect: true}"},
		"YAML that is none":       {yaml: "token:\n  secret: \"hunter2\n  x: [\n"},
		"a flag":                  {args: []string{"--token-secret=hunter2"}},
		"a password's mechanism":  {env: "PUSHGATE_KAFKA_SASL_PASSWORD=hunter2", yaml: "kafka: {brokers: ['127.0.0.1:1'], sources: {a: {topics: [t]}}, sasl_mechanism: SCRAM-9}"},
	} {
		t.Run(name, func(t *testing.T) {
			r := pushgatetest.Run(t, pushgatetest.Command{
				Args: append([]string{"serve", "--http-address=127.0.0.1:0", "--grpc-address=127.0.0.1:0", "--config", configuration(t, c.yaml)}, c.args...), Env: []string{c.env},
			})
			if r.Code == 0 || strings.Contains(r.Out+r.Err, "hunter2") {
				t.Errorf("exit code %d: %s", r.Code, r.Err)
			}
		})
	}
}

// What clients send makes no line in the log that is not the log's own, in both of its
// forms, however much of it is logged.
func TestHostileInputForgesNoLines(t *testing.T) {
	const forged = "x\"\r\ntime=2000-01-01T00:00:00Z level=ERROR msg=forged\n{\"time\":\"2000-01-01T00:00:00Z\",\"level\":\"ERROR\",\"msg\":\"forged\"}\n\x1b[2J\x00\u202e\u2028\xff"
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			_, hash := newKey(t)
			s := pushgatetest.Start(t, pushgatetest.Command{
				Args: []string{"--log-level=debug", "--shutdown-drain=0s", "--log-format", format, "--http-trusted-proxies=127.0.0.0/8", "--config", configuration(t, "callers: {a: {keys: ["+hash+"], publish: ['*']}}")},
				Env:  []string{tokenSecret},
			})
			// Bytes that no client library would send.
			for _, name := range []string{"Origin", "User-Agent", "X-Forwarded-For", "Forwarded", "Authorization", "Sec-WebSocket-Protocol", "Sec-WebSocket-Key", "Host", forged} {
				for _, value := range []string{forged, strings.NewReplacer("\r", "", "\n", " ", "\x00", "", "\x1b", "").Replace(forged), "\x1b[31mred", "a\x00b"} {
					raw(t, s.HTTP, "GET /ws?access_token=a HTTP/1.1\r\nHost: "+s.HTTP+"\r\n"+name+": "+value+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
				}
			}
			for _, target := range []string{"/ws?channel=" + url.QueryEscape(forged), "/ws?access_token=" + url.QueryEscape(forged), "/ws?subscriber=" + url.QueryEscape(forged), "/" + url.PathEscape(forged), "/ws?" + forged, forged} {
				raw(t, s.HTTP, "GET "+target+" HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
			}
			raw(t, s.HTTP, forged+"\r\n\r\n")
			raw(t, s.HTTP, "\x16\x03\x01\x02\x00"+forged)
			raw(t, s.GRPC, forged+"\r\n\r\n")
			raw(t, s.GRPC, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+forged)
			token := makeToken(t, "--subscriber", "eve\u202e level=ERROR", "--allow=*=subscribe,history,publish")
			g := visit(t, s, "", http.Header{"Authorization": {"Bearer " + token}, "User-Agent": {"a\" level=ERROR msg=forged"}})
			for _, frame := range []string{quoted(forged), `{"type":` + quoted(forged) + `,"id":1}`, `{"type":"subscribe","id":1,"channel":` + quoted(forged) + `}`, `{"type":"auth","id":1,"token":` + quoted(forged) + `}`, `{"type":"ping","id":5}`} {
				g.send(frame)
			}
			everything(t, g)
			_ = g.conn.Close(4000, "forged\u2028\u202e level=ERROR")
			conn := dialed(t, s, grpc.WithUserAgent("a\" level=ERROR msg=forged"))
			for _, method := range []string{"/pushgate.v1.PublishService/Publish", "/pushgate.v1.\" level=ERROR msg=forged/X", "/a\u202e/b"} {
				ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer a\" level=ERROR msg=forged", "x-forwarded-for", "a\" level=ERROR")
				_ = conn.Invoke(ctx, method, &pb.PublishRequest{Channel: forged[:10]}, &pb.PublishResponse{})
			}
			s.Stop()
			lines := 0
			for line := range strings.Lines(s.Stderr()) {
				lines++
				line = strings.TrimSuffix(line, "\n")
				if format == "json" {
					var record struct{ Time, Level, Msg string }
					if err := json.Unmarshal([]byte(line), &record); err != nil || record.Time == "" || record.Level == "" || record.Msg == "" || record.Msg == "forged" {
						t.Errorf("not a record: %q", line)
					}
				} else if !strings.HasPrefix(line, "time=") || strings.HasPrefix(line, "time=2000") || strings.Contains(unquoted(line), "forged") {
					t.Errorf("not a record: %q", line)
				}
				if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u202e' && format == "text" }) {
					t.Errorf("a control character: %q", line)
				}
			}
			if lines < 10 {
				t.Errorf("only %d lines were logged:\n%s", lines, s.Stderr())
			}
		})
	}
}

var quotations = regexp.MustCompile(`"(\\.|[^"\\])*"`)

// unquoted is a line without what stands in quotation marks.
func unquoted(line string) string { return quotations.ReplaceAllString(line, "") }

// raw sends bytes, and waits until the other side has had enough of them.
func raw(t *testing.T, address, bytes string) {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(pushgatetest.Patience))
	_, _ = io.WriteString(c, bytes) // it may be closed before it has taken all
	_ = c.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, c)
}
