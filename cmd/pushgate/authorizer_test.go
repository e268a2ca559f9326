package main_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/server/certificate/certificatetest"
)

// judge is an authorizer. What it is asked it answers by functions that a test may
// replace.
type judge struct {
	pb.UnimplementedAuthorizerServiceServer

	mu         sync.Mutex
	connect    func(context.Context, *pb.AuthorizeConnectRequest) (*pb.AuthorizeConnectResponse, error)
	subscribe  func(context.Context, *pb.AuthorizeSubscribeRequest) (*pb.AuthorizeSubscribeResponse, error)
	connects   []*pb.AuthorizeConnectRequest
	subscribes []*pb.AuthorizeSubscribeRequest
	shown      []string // metadata authorization
}

func (j *judge) AuthorizeConnect(ctx context.Context, r *pb.AuthorizeConnectRequest) (*pb.AuthorizeConnectResponse, error) {
	j.mu.Lock()
	j.connects = append(j.connects, r)
	j.shown = append(j.shown, metadata.ValueFromIncomingContext(ctx, "authorization")...)
	answer := j.connect
	j.mu.Unlock()
	return answer(ctx, r)
}

func (j *judge) AuthorizeSubscribe(ctx context.Context, r *pb.AuthorizeSubscribeRequest) (*pb.AuthorizeSubscribeResponse, error) {
	j.mu.Lock()
	j.subscribes = append(j.subscribes, r)
	answer := j.subscribe
	j.mu.Unlock()
	return answer(ctx, r)
}

func (j *judge) set(change func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	change()
}

// asked are the calls so far.
func (j *judge) asked() (connects, subscribes int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.connects), len(j.subscribes)
}

// byCredential knows clients by what they show: "ok NAME PATTERN…" may connect.
func byCredential(_ context.Context, r *pb.AuthorizeConnectRequest) (*pb.AuthorizeConnectResponse, error) {
	words := strings.Fields(cmp.Or(r.GetCredential(), strings.TrimPrefix(r.GetHeaders()["cookie"], "session=")))
	if len(words) < 2 || words[0] != "ok" {
		return &pb.AuthorizeConnectResponse{Message: "the session\x1b[31m is over"}, nil
	}
	grant := &pb.Grant{Subscriber: words[1]}
	for _, pattern := range words[2:] {
		grant.Channels = append(grant.Channels, &pb.ChannelPermission{Pattern: pattern, Actions: []string{"subscribe", "publish"}})
	}
	return &pb.AuthorizeConnectResponse{Allowed: true, Grant: grant}, nil
}

// notSecret forbids what has secret in its name.
func notSecret(_ context.Context, r *pb.AuthorizeSubscribeRequest) (*pb.AuthorizeSubscribeResponse, error) {
	response := &pb.AuthorizeSubscribeResponse{}
	for _, w := range r.GetSubscriptions() {
		response.Decisions = append(response.Decisions, &pb.SubscriptionDecision{
			Allowed: !strings.Contains(w.GetChannel(), "secret"), Message: "ask your manager",
		})
	}
	return response, nil
}

// newJudge serves one; stop ends it, with its connections.
func newJudge(t *testing.T, address string, options ...grpc.ServerOption) (j *judge, at string, stop func()) {
	t.Helper()
	j = &judge{connect: byCredential, subscribe: notSecret}
	return j, serveJudge(t, j, address, &stop, options...), stop
}

func serveJudge(t *testing.T, j *judge, address string, stop *func(), options ...grpc.ServerOption) (at string) {
	t.Helper()
	network := "tcp"
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(options...)
	pb.RegisterAuthorizerServiceServer(server, j)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l)
	}()
	*stop = sync.OnceFunc(func() {
		server.Stop()
		<-served
	})
	t.Cleanup(*stop)
	return l.Addr().String()
}

// guest is a client; the zero value was refused.
type guest struct {
	t    *testing.T
	conn *websocket.Conn
	// Of a refusal.
	status int
	body   string
}

func visit(t *testing.T, s *pushgatetest.Server, query string, header http.Header) *guest {
	t.Helper()
	conn, response, err := websocket.Dial(t.Context(), s.WebSocket+query, &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		if response == nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		return &guest{t: t, status: response.StatusCode, body: string(body)}
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &guest{t: t, conn: conn}
}

func bearing(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// is wants a refusal.
func (g *guest) is(status int, text string) {
	g.t.Helper()
	if g.status != status || !strings.Contains(g.body, text) {
		g.t.Errorf("got %d %s; want %d, %s", g.status, g.body, status, text)
	}
}

func (g *guest) send(frame string) {
	g.t.Helper()
	if g.conn == nil {
		g.t.Fatalf("it was refused: %d %s", g.status, g.body)
	}
	if err := g.conn.Write(g.t.Context(), websocket.MessageText, []byte(frame)); err != nil {
		g.t.Fatal(err)
	}
}

func (g *guest) until(kind, text string) string {
	g.t.Helper()
	if g.conn == nil {
		g.t.Fatalf("it was refused: %d %s", g.status, g.body)
	}
	frame := readUntil(g.t, g.conn, kind)
	if !strings.Contains(frame, text) {
		g.t.Fatalf("got %s; want %s", frame, text)
	}
	return frame
}

func TestAuthorizerSaysWhoClientsAre(t *testing.T) {
	t.Parallel()
	j, at, _ := newJudge(t, "127.0.0.1:0")
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("the-node's-own-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := pushgatetest.Start(t, pushgatetest.Command{Dir: dir, Args: []string{
		"--log-level=debug", "--node=n1", "--shutdown-drain=0s", "--authorizer-address", at, "--authorizer-connect", "--authorizer-headers=Cookie", "--authorizer-secret-file", secret,
	}})
	ada := visit(t, s, "?channel=orders:1", bearing("ok ada orders:*"))
	ada.until("connected", `"subscriber":"ada"`)
	ada.until("subscribed", `"orders:1"`)
	ada.send(`{"type":"subscribe","id":1,"channel":"invoices:1"}`)
	ada.until("error", "permission_denied")
	ada.send(`{"type":"subscribe","id":2,"channel":"orders:2","from":"earliest"}`)
	ada.until("error", "permission_denied")
	ada.send(`{"type":"subscribe","id":3,"channel":"orders:3","durable":true}`)
	ada.until("subscribed", `"orders:3"`)

	withCookie := visit(t, s, "", http.Header{"Cookie": {"session=ok bob news"}, "Origin": {"http://" + s.HTTP}, "User-Agent": {"x\xff"}})
	withCookie.until("connected", `"subscriber":"bob"`)
	later := visit(t, s, "", nil)
	later.send(`{"type":"auth","id":1,"token":"ok eve news"}`)
	later.until("authenticated", `"subscriber":"eve"`)
	ada.send(`{"type":"auth","id":4,"token":"ok ada news"}`)
	ada.until("authenticated", `"ada"`)
	ada.until("unsubscribed", `"forbidden"`)
	ada.send(`{"type":"auth","id":5,"token":"ok eve news"}`)
	ada.until("error", "another subscriber")

	visit(t, s, "", bearing("gone")).is(http.StatusUnauthorized, "the session [31m is over")
	visit(t, s, "", http.Header{"Cookie": {"session=old"}}).is(http.StatusUnauthorized, "is over")
	visit(t, s, "", bearing(strings.Repeat("a", 9000))).is(http.StatusUnauthorized, "longer than 8192 bytes")
	visit(t, s, "?subscriber=ada", bearing("ok ada news")).is(http.StatusBadRequest, "development mode")
	visit(t, s, "", http.Header{"Cookie": {"session=ok ada"}, "Origin": {"https://evil.example"}}).is(http.StatusForbidden, "origin")

	j.set(func() {
		for _, r := range j.connects {
			if r.GetNode() != "n1" || r.GetRemoteAddress() != "127.0.0.1" || len(r.GetHeaders()) > 1 {
				t.Errorf("it was asked about %v", r)
			}
			if r.GetHeaders()["cookie"] == "session=ok bob news" && (r.GetOrigin() != "http://"+s.HTTP || r.GetUserAgent() != "x\ufffd") {
				t.Errorf("it was asked about %v", r)
			}
		}
		if len(j.shown) != len(j.connects) || slices.ContainsFunc(j.shown, func(v string) bool { return v != "Bearer the-node's-own-secret" }) {
			t.Errorf("it was shown %q", j.shown)
		}
	})
	for series, want := range map[string]float64{
		`pushgate_authorizer_answers_total{cached="no",call="connect",result="allowed"}`: 5,
		`pushgate_authorizer_answers_total{cached="no",call="connect",result="denied"}`:  2,
	} {
		if got := s.Metric(series); got != want {
			t.Errorf("%s is %v, not %v", series, got, want)
		}
	}
	s.Stop()
	for _, secret := range []string{"the-node's-own-secret", "ok ada", "ok bob", "ok eve", "session=", "gone"} {
		if strings.Contains(s.Stderr(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

// What an authorizer says for a while is not asked again, not even at once by many; what
// it does not say so is.
func TestAuthorizerAnswersAreKept(t *testing.T) {
	j, at, _ := newJudge(t, "127.0.0.1:0")
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{
		"--config", configuration(t, "namespaces: {orders: {authorize: true}}"), "--authorizer-address", at, "--authorizer-connect",
	}})
	for range 2 {
		visit(t, s, "", bearing("ok ada orders:*")).until("connected", "ada")
	}
	if connects, _ := j.asked(); connects != 2 {
		t.Errorf("asked %d times about two connections", connects)
	}
	j.set(func() {
		j.connect = func(ctx context.Context, r *pb.AuthorizeConnectRequest) (*pb.AuthorizeConnectResponse, error) {
			answer, err := byCredential(ctx, r)
			answer.CacheFor = durationpb.New(time.Hour)
			return answer, err
		}
		j.subscribe = func(ctx context.Context, r *pb.AuthorizeSubscribeRequest) (*pb.AuthorizeSubscribeResponse, error) {
			answer, err := notSecret(ctx, r)
			answer.CacheFor = durationpb.New(300 * time.Millisecond)
			return answer, err
		}
	})
	for range 3 {
		ada := visit(t, s, "?channel=orders:1&channel=orders:secret", bearing("ok ada orders:*"))
		ada.until("subscribed", `"orders:1"`)
		ada.until("error", "ask your manager")
		visit(t, s, "", bearing("no")).is(http.StatusUnauthorized, "is over")
	}
	if connects, _ := j.asked(); connects != 4 {
		t.Errorf("asked %d times about connections", connects)
	}
	if hits := s.Metric(`pushgate_authorizer_answers_total{cached="yes",call="connect",result="allowed"}`); hits != 2 {
		t.Errorf("%v answers from the cache", hits)
	}
	// It changes its mind, and that is seen when the answer has lapsed.
	j.set(func() {
		j.subscribe = func(context.Context, *pb.AuthorizeSubscribeRequest) (*pb.AuthorizeSubscribeResponse, error) {
			return &pb.AuthorizeSubscribeResponse{Decisions: []*pb.SubscriptionDecision{{Message: "changed"}}}, nil
		}
	})
	ada := visit(t, s, "", bearing("ok ada orders:*"))
	for deadline := time.Now().Add(20 * time.Second); ; {
		ada.send(`{"type":"subscribe","id":1,"channel":"orders:1"}`)
		_, frame, err := ada.conn.Read(t.Context())
		for err == nil && !strings.Contains(string(frame), `"id":1`) {
			_, frame, err = ada.conn.Read(t.Context())
		}
		if strings.Contains(string(frame), "changed") {
			break
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("got %s, %v", frame, err)
		}
		ada.send(`{"type":"unsubscribe","id":2,"channel":"orders:1"}`)
	}
}

// With tokens the authorizer can only forbid, and it is asked about stored subscriptions
// too.
func TestAuthorizerBesideTokens(t *testing.T) {
	j, at, _ := newJudge(t, "127.0.0.1:0")
	j.connect = func(_ context.Context, r *pb.AuthorizeConnectRequest) (*pb.AuthorizeConnectResponse, error) {
		if r.GetCredential() != "" {
			return nil, errors.New("a token that the node has verified is nobody else's concern")
		}
		return &pb.AuthorizeConnectResponse{Allowed: r.GetSubscriber() != "eve" && r.GetTokenId() != "", Message: "not today"}, nil
	}
	path := configuration(t, "namespaces: {orders: {authorize: true}, free: {}, old: {authorize: true, start: earliest}}")
	s := pushgatetest.Start(t, pushgatetest.Command{
		Args: []string{"--config", path, "--authorizer-address", at, "--authorizer-connect"}, Env: []string{tokenSecret},
	})
	ada, eve := makeToken(t, "--subscriber=ada", "--allow=orders:*=subscribe,history", "--allow=free:*", "--allow=old:*"), makeToken(t, "--subscriber=eve", "--allow=orders:*")
	visit(t, s, "", bearing(eve)).is(http.StatusForbidden, "not today")
	visit(t, s, "", bearing("rubbish")).is(http.StatusUnauthorized, "not a token")
	late := visit(t, s, "", nil)
	late.send(`{"type":"auth","id":1,"token":"` + eve + `"}`)
	late.until("error", "not today")

	first := visit(t, s, "", bearing(ada))
	first.send(`{"type":"subscribe","id":1,"channel":"orders:1","durable":true,"from":"earliest"}`)
	first.until("subscribed", `"orders:1"`)
	first.send(`{"type":"subscribe","id":2,"channel":"free:secret","durable":true}`)
	first.until("subscribed", "free:secret")
	first.send(`{"type":"subscribe","id":3,"channel":"elsewhere"}`)
	first.until("error", "you may not subscribe to")
	first.send(`{"type":"subscribe","id":4,"channel":"orders:secret","durable":true}`)
	first.until("error", "ask your manager")
	first.send(`{"type":"subscribe","id":5,"channel":"old:secret"}`)
	first.until("error", "ask your manager")
	j.set(func() {
		if len(j.subscribes) != 3 || j.subscribes[1].GetSubscriptions()[0].GetHistory() || !j.subscribes[2].GetSubscriptions()[0].GetHistory() {
			t.Fatalf("asked about %v", j.subscribes)
		}
		if r := j.subscribes[0]; r.GetSubscriber() != "ada" || len(r.GetSubscriptions()) != 1 || !r.GetSubscriptions()[0].GetDurable() || !r.GetSubscriptions()[0].GetHistory() {
			t.Errorf("asked about %v", r)
		}
		j.subscribe = func(_ context.Context, r *pb.AuthorizeSubscribeRequest) (*pb.AuthorizeSubscribeResponse, error) {
			if len(r.GetSubscriptions()) != 1 || r.GetSubscriptions()[0].GetChannel() != "orders:1" {
				return nil, fmt.Errorf("asked about %v", r)
			}
			return &pb.AuthorizeSubscribeResponse{Decisions: []*pb.SubscriptionDecision{{Message: "no more"}}}, nil
		}
	})
	s.Publish("orders:1", "1")
	s.Publish("free:secret", "2")
	again := visit(t, s, "", bearing(ada))
	again.until("message", `"free:secret"`)
	again.send(`{"type":"subscribe","id":1,"channel":"orders:1","durable":true}`)
	again.until("error", "no more")
	j.set(func() { j.subscribe = notSecret })
	third := visit(t, s, "?channel=free:1", bearing(ada))
	for !strings.Contains(third.until("message", ""), `"orders:1"`) {
	}
}

// Clients without a token, where the configuration lets them in, are its concern too.
func TestAuthorizerOfAnonymousClients(t *testing.T) {
	j, at, _ := newJudge(t, "127.0.0.1:0")
	j.connect = func(_ context.Context, r *pb.AuthorizeConnectRequest) (*pb.AuthorizeConnectResponse, error) {
		return &pb.AuthorizeConnectResponse{Allowed: r.GetHeaders()["x-country"] != "xx", Message: "not from there"}, nil
	}
	path := configuration(t, "namespaces: {open: {allow: {public: ['open:*']}}}")
	arguments := []string{"--config", path, "--authorizer-address", at, "--authorizer-connect", "--authorizer-headers=X-Country", "--token-anonymous"}
	withTokens := pushgatetest.Start(t, pushgatetest.Command{Args: arguments, Env: []string{tokenSecret}})
	without := pushgatetest.Start(t, pushgatetest.Command{Args: arguments})
	for _, s := range []*pushgatetest.Server{withTokens, without} {
		allowed := visit(t, s, "?channel=open:1&channel=shut:1", http.Header{"X-Country": {"is"}})
		allowed.until("subscribed", "open:1")
		allowed.until("error", "shut:1")
	}
	visit(t, withTokens, "", http.Header{"X-Country": {"xx"}}).is(http.StatusForbidden, "not from there")
	visit(t, without, "", http.Header{"X-Country": {"xx"}}).is(http.StatusUnauthorized, "not from there")
}

// An authorizer that is slow, down or out of its mind is a refusal to try again, with
// those that need nobody's answer untouched; unless the configuration says otherwise.
func TestAuthorizerFails(t *testing.T) {
	t.Parallel()
	j, at, stop := newJudge(t, "127.0.0.1:0")
	path := configuration(t, "namespaces: {orders: {authorize: true}}")
	arguments := func(more ...string) pushgatetest.Command {
		return pushgatetest.Command{Args: append([]string{"--config", path, "--authorizer-address", at, "--shutdown-drain=0s"}, more...), Env: []string{tokenSecret}}
	}
	denies := pushgatetest.Start(t, arguments("--authorizer-connect", "--authorizer-timeout=100ms"))
	allows := pushgatetest.Start(t, arguments("--authorizer-connect", "--authorizer-timeout=100ms", "--authorizer-on-failure=allow"))
	opaque := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--authorizer-address", at, "--authorizer-connect", "--authorizer-timeout=100ms", "--shutdown-drain=0s"}})
	ada := makeToken(t, "--subscriber=ada", "--allow=orders:*", "--allow=news")
	yes := func(context.Context, *pb.AuthorizeConnectRequest) (*pb.AuthorizeConnectResponse, error) {
		return &pb.AuthorizeConnectResponse{Allowed: true}, nil
	}
	j.set(func() { j.connect = yes })
	before := visit(t, denies, "?channel=news", bearing(ada))
	before.until("subscribed", "news")
	granting := func(g *pb.Grant) *pb.AuthorizeConnectResponse {
		return &pb.AuthorizeConnectResponse{Allowed: true, Grant: g}
	}
	many := make([]*pb.ChannelPermission, 101)
	for i := range many {
		many[i] = &pb.ChannelPermission{Pattern: fmt.Sprint(i), Actions: []string{"subscribe"}}
	}
	rubbish := map[string]*pb.AuthorizeConnectResponse{
		"no name":      granting(&pb.Grant{Subscriber: "a\nb"}),
		"a pattern":    granting(&pb.Grant{Channels: []*pb.ChannelPermission{{Pattern: "a*b*", Actions: []string{"subscribe"}}}}),
		"an action":    granting(&pb.Grant{Channels: []*pb.ChannelPermission{{Pattern: "a", Actions: []string{"own"}}}}),
		"many":         granting(&pb.Grant{Channels: many}),
		"expired":      granting(&pb.Grant{ExpireTime: timestamppb.New(time.Now().Add(-time.Second))}),
		"not a moment": granting(&pb.Grant{ExpireTime: &timestamppb.Timestamp{Seconds: 1 << 60}}),
	}
	for name, answer := range rubbish {
		j.set(func() {
			j.connect = func(context.Context, *pb.AuthorizeConnectRequest) (*pb.AuthorizeConnectResponse, error) {
				return answer, nil
			}
		})
		t.Run(name, func(t *testing.T) {
			visit(t, opaque, "", bearing("x")).is(http.StatusServiceUnavailable, "try again")
			visit(t, denies, "", bearing(ada)).is(http.StatusServiceUnavailable, "try again")
		})
	}
	whole := t
	for name, broken := range map[string]func(ctx context.Context) error{
		"slow":     func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"an error": func(context.Context) error { return grpcstatus.Error(codes.PermissionDenied, "it was "+ada) },
		"down":     nil,
	} {
		t.Run(name, func(t *testing.T) {
			if broken == nil {
				stop()
			}
			j.set(func() {
				j.connect = func(ctx context.Context, _ *pb.AuthorizeConnectRequest) (*pb.AuthorizeConnectResponse, error) {
					return nil, broken(ctx)
				}
				j.subscribe = func(ctx context.Context, _ *pb.AuthorizeSubscribeRequest) (*pb.AuthorizeSubscribeResponse, error) {
					return nil, broken(ctx)
				}
			})
			defer func() {
				if broken == nil {
					serveJudge(whole, j, at, &stop)
				}
			}()
			visit(t, denies, "", bearing(ada)).is(http.StatusServiceUnavailable, "try again")
			visit(t, opaque, "", bearing("x")).is(http.StatusServiceUnavailable, "try again")
			before.send(`{"type":"subscribe","id":1,"channel":"orders:1"}`)
			before.send(`{"type":"ping","id":2}`)
			before.until("error", `"code":"unavailable"`)
			before.until("pong", "")
			denies.Publish("news", `"`+name+`"`)
			before.until("message", `"`+name+`"`)
			visit(t, allows, "?channel=orders:1", bearing(ada)).until("subscribed", "orders:1")
		})
	}
	// It is back, and is found.
	j.set(func() { j.connect = yes })
	for deadline := time.Now().Add(20 * time.Second); visit(t, denies, "", bearing(ada)).conn == nil; {
		if time.Now().After(deadline) {
			t.Fatal("an authorizer that came back is not asked")
		}
	}
	if denies.Metric(`pushgate_authorizer_answers_total{cached="no",call="subscribe",result="failed"}`) != 3 {
		t.Error("the failures were not counted")
	}
	denies.WaitStderr("the authorizer failed")
	for _, s := range []*pushgatetest.Server{denies, allows, opaque} {
		if s.Stop() != 0 || strings.Contains(s.Stderr(), ada) {
			t.Errorf("the log: %s", s.Stderr())
		}
	}
}

// One that takes its time keeps nobody waiting but those who need it, and does not keep
// the node from ending.
func TestAuthorizerHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	j, at, _ := newJudge(t, "127.0.0.1:0")
	began := make(chan struct{}, 8)
	j.subscribe = func(ctx context.Context, _ *pb.AuthorizeSubscribeRequest) (*pb.AuthorizeSubscribeResponse, error) {
		began <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{
		"--config", configuration(t, "namespaces: {orders: {authorize: true}}"), "--authorizer-address", at, "--authorizer-timeout=3s", "--shutdown-drain=100ms",
	}})
	waits, other := visit(t, s, "", nil), visit(t, s, "?channel=news", nil)
	other.until("subscribed", "news")
	waits.send(`{"type":"subscribe","id":1,"channel":"orders:1"}`)
	<-began
	s.Publish("news", "1")
	other.until("message", `"data":1`)
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d: %s", code, s.Stderr())
	}
}

// However long an answer may be kept: what it grants is over when it says so.
func TestAuthorizersGrantsEnd(t *testing.T) {
	t.Parallel()
	j, at, _ := newJudge(t, "127.0.0.1:0")
	j.connect = func(ctx context.Context, r *pb.AuthorizeConnectRequest) (*pb.AuthorizeConnectResponse, error) {
		answer, err := byCredential(ctx, r)
		answer.CacheFor = durationpb.New(time.Hour)
		answer.Grant.ExpireTime = timestamppb.New(time.Now().Add(time.Second))
		return answer, err
	}
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--authorizer-address", at, "--authorizer-connect"}})
	first := visit(t, s, "", bearing("ok ada news"))
	visit(t, s, "", bearing("ok ada news")).until("connected", "ada")
	if connects, _ := j.asked(); connects != 1 {
		t.Errorf("asked %d times about what was to be kept", connects)
	}
	first.until("closing", "token expired")
	j.set(func() {
		j.connect = func(_ context.Context, r *pb.AuthorizeConnectRequest) (*pb.AuthorizeConnectResponse, error) {
			return &pb.AuthorizeConnectResponse{Message: "there is no session " + r.GetCredential()}, nil
		}
	})
	visit(t, s, "", bearing("ok ada news")).is(http.StatusUnauthorized, "there is no session ok ada news")
	// What it tells the client is for the client only.
	if s.WaitStderr("the authorizer refuses"); strings.Contains(s.Stderr(), "ok ada") {
		t.Error("what was shown is in the log")
	}
}

// A subscription that a backend creates is asked about once, however many connections
// the subscriber has.
func TestAuthorizerOfCreatedSubscriptions(t *testing.T) {
	j, at, _ := newJudge(t, "127.0.0.1:0")
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{
		"--config", configuration(t, "namespaces: {orders: {authorize: true}}"), "--authorizer-address", at,
	}})
	var all []*guest
	for range 5 {
		g := visit(t, s, "?subscriber=ada", nil)
		g.until("connected", "ada")
		all = append(all, g)
	}
	operator, _ := control(t, s)
	for _, channel := range []string{"orders:secret", "orders:1"} {
		must(operator.CreateSubscription(t.Context(), &pb.CreateSubscriptionRequest{Subscriber: "ada", Channel: channel}))(t)
	}
	for _, g := range all {
		g.until("subscribed", `"orders:1"`) // the first that comes, so there was none to the other
	}
	if _, subscribes := j.asked(); subscribes != 2 {
		t.Errorf("asked %d times about two subscriptions", subscribes)
	}
}

func TestAuthorizerByTLSAndBySocket(t *testing.T) {
	authority, dir := certificatetest.New(t), t.TempDir()
	certificate, key := authority.Issue(dir, "localhost", time.Hour)
	secure, err := credentials.NewServerTLSFromFile(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	_, at, _ := newJudge(t, "127.0.0.1:0", grpc.Creds(secure))
	_, socket, _ := newJudge(t, filepath.Join(dir, "authorizer.sock"))
	for name, arguments := range map[string][]string{
		"TLS":    {"--authorizer-address=https://" + at, "--authorizer-tls-ca=" + authority.File},
		"socket": {"--authorizer-address=unix:" + socket},
	} {
		t.Run(name, func(t *testing.T) {
			s := pushgatetest.Start(t, pushgatetest.Command{Args: append(arguments, "--authorizer-connect")})
			visit(t, s, "", bearing("ok ada news")).until("connected", "ada")
		})
	}
	t.Run("a stranger's certificate", func(t *testing.T) {
		s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--authorizer-address=https://" + at, "--authorizer-connect"}})
		visit(t, s, "", bearing("ok ada news")).is(http.StatusServiceUnavailable, "try again")
	})
}

func TestAuthorizerThatCannotBe(t *testing.T) {
	for name, test := range map[string]struct {
		yaml string
		args []string
		want string
	}{
		"nobody to ask":          {"namespaces: {a: {authorize: true}}", nil, "namespaces.a.authorize: there is nobody to ask"},
		"nobody at connect":      {"", []string{"--authorizer-connect"}, "--authorizer-connect: there is nobody to ask"},
		"never asked":            {"", []string{"--authorizer-address=127.0.0.1:1"}, "it is never asked"},
		"no address":             {"", []string{"--authorizer-address=somewhere", "--authorizer-connect"}, "write HOST:PORT"},
		"plain text":             {"", []string{"--authorizer-address=192.0.2.1:1", "--authorizer-connect"}, "write https://192.0.2.1:1"},
		"an authority for it":    {"", []string{"--authorizer-address=127.0.0.1:1", "--authorizer-connect", "--authorizer-tls-ca=x"}, "write https://127.0.0.1:1"},
		"everybody is nobody":    {"", []string{"--authorizer-address=127.0.0.1:1", "--authorizer-connect", "--authorizer-on-failure=allow"}, "set deny"},
		"headers for nothing":    {"namespaces: {a: {authorize: true}}", []string{"--authorizer-address=127.0.0.1:1", "--authorizer-headers=Cookie"}, "set that to true"},
		"a long time":            {"", []string{"--authorizer-address=127.0.0.1:1", "--authorizer-connect", "--authorizer-timeout=1m"}, "--authorizer-timeout"},
		"not a header":           {"", []string{"--authorizer-address=127.0.0.1:1", "--authorizer-connect", "--authorizer-headers=a b"}, "not the name of a header"},
		"no secret":              {"", []string{"--authorizer-address=127.0.0.1:1", "--authorizer-connect", "--authorizer-secret-file=/nowhere"}, "--authorizer-secret-file: open /nowhere"},
		"no authority":           {"", []string{"--authorizer-address=https://127.0.0.1:1", "--authorizer-connect", "--authorizer-tls-ca=/nowhere"}, "authorizer.tls_ca: open /nowhere"},
		"public, subscribe only": {"namespaces: {a: {authorize: true}}", []string{"--authorizer-address=127.0.0.1:1", "--http-address=0.0.0.0:0"}, "set up clients' tokens"},
	} {
		t.Run(name, func(t *testing.T) {
			r := pushgatetest.Run(t, pushgatetest.Command{Args: append([]string{
				"serve", "--http-address=127.0.0.1:0", "--grpc-address=127.0.0.1:0", "--config", configuration(t, test.yaml),
			}, test.args...)})
			lines := strings.Split(strings.TrimSpace(r.Err), "\n") // the store may have been made before
			if last := lines[len(lines)-1]; r.Code != 2 || !strings.Contains(last, test.want) {
				t.Errorf("exit code %d: %s", r.Code, r.Err)
			}
		})
	}
}
