package ws_test

import (
	"context"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"pushgate/push"
	"pushgate/server/auth/token"
	"pushgate/server/ws"
	"pushgate/store"
)

// with connects with a token and expects the greeting.
func (n *node) with(text, query string) *client {
	n.t.Helper()
	c := n.dial(query + "&access_token=" + text)
	return c
}

// may asks for something and says whether it was allowed.
func (c *client) may(f frame) bool {
	c.t.Helper()
	f["id"] = 9
	c.send(f)
	switch got := c.next(); {
	case got["type"] == "error" && got["code"] == "permission_denied":
		return false
	case got["type"] == "error":
		c.t.Fatalf("%v: %v", f, got)
	}
	return true
}

func TestAccess(t *testing.T) {
	n := start(t, withTokens(t))
	n.publish("news:a", `1`)
	read := []string{"subscribe"}
	for _, test := range []struct {
		name     string
		sub      string
		channels any
		f        frame
		want     bool
	}{
		{"nothing", "ada", nil, frame{"type": "subscribe", "channel": "news:a"}, false},
		{"exactly", "ada", map[string]any{"news:a": read}, frame{"type": "subscribe", "channel": "news:a"}, true},
		{"a list", "ada", []any{map[string]any{"pattern": "news:*", "allow": read}}, frame{"type": "subscribe", "channel": "news:a"}, true},
		{"another", "ada", map[string]any{"news:a": read}, frame{"type": "subscribe", "channel": "news:b"}, false},
		{"the rest", "ada", map[string]any{"news:*": read}, frame{"type": "subscribe", "channel": "news:a:b"}, true},
		{"the rest is not nothing", "ada", map[string]any{"news:*": read}, frame{"type": "subscribe", "channel": "news:"}, false},
		{"another namespace", "ada", map[string]any{"news:*": read}, frame{"type": "subscribe", "channel": "newsroom:a"}, false},
		{"within a part", "ada", map[string]any{"news:a*z": read}, frame{"type": "subscribe", "channel": "news:abz"}, true},
		{"not over a colon", "ada", map[string]any{"news:a*z": read}, frame{"type": "subscribe", "channel": "news:a:z"}, false},
		{"a part in the middle", "ada", map[string]any{"news:*:x": read}, frame{"type": "subscribe", "channel": "news:a:x"}, true},
		{"one part in the middle", "ada", map[string]any{"news:*:x": read}, frame{"type": "subscribe", "channel": "news:a:b:x"}, false},
		{"all", "ada", map[string]any{"*": read}, frame{"type": "subscribe", "channel": "a:b"}, true},
		{"a channel named *", "ada", map[string]any{"a": read}, frame{"type": "subscribe", "channel": "*"}, false},
		{"no action", "ada", map[string]any{"a": []string{}}, frame{"type": "subscribe", "channel": "a"}, false},
		{"publish", "ada", map[string]any{"a": []string{"publish"}}, frame{"type": "publish", "channel": "a", "data": 1}, true},
		{"publish only", "ada", map[string]any{"a": []string{"publish"}}, frame{"type": "subscribe", "channel": "a"}, false},
		{"subscribe only", "ada", map[string]any{"a": read}, frame{"type": "publish", "channel": "a", "data": 1}, false},
		{"no history", "ada", map[string]any{"*": read}, frame{"type": "subscribe", "channel": "news:a", "from": "earliest"}, false},
		{"no history by seq", "ada", map[string]any{"*": read}, frame{"type": "subscribe", "channel": "news:a", "from": 0}, false},
		{"no history by a foreign epoch", "ada", map[string]any{"*": read}, frame{"type": "subscribe", "channel": "news:a", "from": 5, "epoch": "x", "durable": false}, false},
		{"history", "ada", everything, frame{"type": "subscribe", "channel": "news:b", "from": "earliest"}, true},
		{"history without subscribe", "ada", map[string]any{"*": []string{"history"}}, frame{"type": "subscribe", "channel": "news:a", "from": "earliest"}, false},
		{"forget", "ada", map[string]any{"a": read}, frame{"type": "unsubscribe", "channel": "b", "forget": true}, false},
		{"unsubscribe", "ada", nil, frame{"type": "unsubscribe", "channel": "b"}, true},
		{"one's own", "ada", nil, frame{"type": "subscribe", "channel": "user:ada"}, true},
		{"another's own", "ada", nil, frame{"type": "subscribe", "channel": "user:eve"}, false},
		{"below one's own", "ada", nil, frame{"type": "subscribe", "channel": "user:ada:x"}, false},
		{"a star for a name", "*", nil, frame{"type": "subscribe", "channel": "user:ada"}, false},
		{"a star's own", "*", nil, frame{"type": "subscribe", "channel": "user:*"}, true},
		{"a colon in a name", "ada:x", nil, frame{"type": "subscribe", "channel": "user:ada:x"}, false},
		{"a colon in a name widens nothing", "ada:x", nil, frame{"type": "subscribe", "channel": "user:ada"}, false},
		{"a template for a name", "{sub}", nil, frame{"type": "subscribe", "channel": "user:ada"}, false},
		{"a template in a token", "ada", map[string]any{"user:{sub}x": read}, frame{"type": "subscribe", "channel": "user:adax"}, false},
		{"public", "ada", nil, frame{"type": "subscribe", "channel": "lobby", "from": "earliest"}, true},
		{"public is not for publishing", "ada", nil, frame{"type": "publish", "channel": "lobby", "data": 1}, false},
		{"SQL", "ada", map[string]any{"a": read}, frame{"type": "subscribe", "channel": "a' OR '1'='1"}, false},
		{"paths", "ada", map[string]any{"a/*": read}, frame{"type": "subscribe", "channel": "b/../a/x"}, false},
		{"long names", "ada", map[string]any{strings.Repeat("ж", 127) + "*": read}, frame{"type": "subscribe", "channel": strings.Repeat("ж", 127)}, true},
		{"templates", "ada", map[string]any{"a": read}, frame{"type": "subscribe", "channel": "{{.}}${a}%s"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := n.with(tokenFor(t, test.sub, test.channels), "restore=none")
			c.expect("connected", nil)
			if got := c.may(test.f); got != test.want {
				t.Errorf("allowed %v, want %v", got, test.want)
			}
		})
	}
}

// What is refused looks the same whether the channel exists or not.
func TestRefusalsTellNothing(t *testing.T) {
	n := start(t, withTokens(t))
	n.publish("there", `1`)
	eve := n.with(tokenFor(t, "eve", everything), "channel=there")
	eve.expect("connected", nil)
	eve.expect("subscribed", nil)
	c := n.with(tokenFor(t, "ada", nil), "channel=there&channel=away")
	c.expect("connected", nil)
	for _, f := range []frame{
		{}, {"type": "subscribe"}, {"type": "subscribe", "from": 7, "epoch": "x"}, {"type": "subscribe", "durable": false}, {"type": "publish", "data": 1},
		{"type": "unsubscribe", "forget": true}, {"type": "ack", "seq": 1}, {"type": "unsubscribe"},
	} {
		var answers []string
		for _, channel := range []string{"there", "away"} {
			if f["type"] != nil {
				f["channel"], f["id"] = channel, 1
				c.send(f)
			}
			data, err := c.raw()
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, strings.ReplaceAll(string(data), channel, "X"))
		}
		if answers[0] != answers[1] {
			t.Errorf("%v: %s and %s", f, answers[0], answers[1])
		}
	}
	n.publish("there", `2`)
	eve.messages("there", 2, 2)
	c.idle()
}

func TestForeignSubscriptionsAreNotRestored(t *testing.T) {
	n := start(t, withTokens(t))
	all := n.with(tokenFor(t, "ada", everything), "channel=a&channel=b")
	all.expect("connected", nil)
	all.expect("subscribed", nil)
	all.expect("subscribed", nil)
	n.publish("a", `1`)
	n.publish("b", `1`)
	all.expect("message", nil)
	all.expect("message", nil)
	onlyB := map[string]any{"b": []string{"subscribe"}}
	less := n.with(tokenFor(t, "ada", onlyB), "")
	f := less.expect("connected", nil)
	if open := f["subscriptions"].([]any); len(open) != 1 || open[0].(map[string]any)["channel"] != "b" {
		t.Errorf("reopened %v", open)
	}
	less.messages("b", 1, 1)
	// A backend cannot give what the token does not allow; the cursor stays for one that does.
	if _, err := n.engine.CreateSubscription(t.Context(), "ada", "c", store.From{}, ""); err != nil {
		t.Fatal(err)
	}
	all.expect("subscribed", frame{"channel": "c"})
	n.publish("c", `1`)
	all.messages("c", 1, 1)
	less.idle()
	again := n.with(tokenFor(t, "ada", everything), "")
	f = again.expect("connected", nil)
	if open := f["subscriptions"].([]any); len(open) != 3 {
		t.Errorf("reopened %v", open)
	}
}

func TestDurableOnly(t *testing.T) {
	n := start(t, withTokens(t), func(s *setup) { s.Namespaces.Default.DurableOnly = true })
	c := n.with(tokenFor(t, "ada", everything), "")
	c.expect("connected", nil)
	c.send(frame{"type": "subscribe", "id": 1, "channel": "a", "durable": false})
	c.expect("error", frame{"id": 1, "code": "failed_precondition"})
	c.subscribe(frame{"channel": "a"})
	nobody := n.with(tokenForNobody(t), "channel=a")
	nobody.expect("connected", nil)
	nobody.expect("error", frame{"code": "failed_precondition"})
}

func tokenForNobody(t *testing.T) string {
	t.Helper()
	return sign(t, jwt.SigningMethodHS256, []byte(secret), claims{"channels": everything})
}

func TestAuthenticationInBand(t *testing.T) {
	n := start(t, withTokens(t))
	before := n.with(tokenFor(t, "ada", everything), "channel=a&channel=b")
	before.expect("connected", nil)
	before.expect("subscribed", nil)
	before.expect("subscribed", nil)
	n.publish("a", `1`)
	c := n.dial("channel=lobby&channel=" + url.QueryEscape("not mine"))
	if f := c.expect("connected", nil); f["subscriber"] != nil || len(f["subscriptions"].([]any)) != 0 {
		t.Errorf("too much: %v", f)
	}
	c.send(frame{"type": "ping", "id": 1})
	c.expect("pong", frame{"id": 1})
	for _, f := range []frame{{"type": "subscribe", "channel": "a"}, {"type": "publish", "channel": "a", "data": 1}, {"type": "ack", "channel": "a", "seq": 1}, {"type": "own"}} {
		f["id"] = 2
		c.send(f)
		c.expect("error", frame{"id": 2, "code": "unauthenticated"})
	}
	c.send(frame{"type": "auth", "id": 3, "token": "garbage"})
	c.expect("error", frame{"id": 3, "code": "unauthenticated"})
	c.send(frame{"type": "auth", "id": 4, "token": tokenFor(t, "ada", map[string]any{"a": []string{"subscribe"}})})
	f := c.expect("authenticated", frame{"id": 4, "subscriber": "ada"})
	if left := f["expiresIn"].(float64); left < 3000 || left > 3600 {
		t.Errorf("expires in %v", left)
	}
	f = c.expect("subscribed", frame{"channel": "a", "pending": 1})
	if _, ok := f["id"]; ok {
		t.Errorf("nobody asked: %v", f)
	}
	// The backlog and what the query asked for come side by side.
	seen := map[string]bool{}
	for range 3 {
		f := c.next()
		channel, _ := f["channel"].(string)
		code, _ := f["code"].(string)
		seen[f["type"].(string)+channel+code] = true
	}
	if !seen["messagea"] || !seen["subscribedlobby"] || !seen["errorpermission_denied"] {
		t.Errorf("got %v", seen)
	}
	// Now it is found by its name.
	if _, err := n.engine.CreateSubscription(t.Context(), "ada", "user:ada", store.From{}, ""); err != nil {
		t.Fatal(err)
	}
	c.expect("subscribed", frame{"channel": "user:ada"})
	views := n.engine.Connections("", "ada", 10)
	if len(views) != 2 {
		t.Errorf("connections %v", views)
	}
}

func TestRenewal(t *testing.T) {
	n := start(t, withTokens(t))
	c := n.with(tokenFor(t, "ada", everything), "channel=a&channel=b")
	c.expect("connected", nil)
	c.expect("subscribed", nil)
	c.expect("subscribed", nil)
	c.send(frame{"type": "auth", "id": 1, "token": tokenFor(t, "eve", everything)})
	c.expect("error", frame{"id": 1, "code": "permission_denied"})
	c.send(frame{"type": "auth", "id": 2, "token": tokenFor(t, "ada", map[string]any{"b": []string{"subscribe"}}, "exp", time.Now().Add(2*time.Hour).Unix())})
	c.expect("authenticated", frame{"id": 2, "subscriber": "ada"})
	c.expect("unsubscribed", frame{"channel": "a", "reason": "forbidden"})
	n.publish("a", `1`)
	n.publish("b", `1`)
	c.messages("b", 1, 1)
	if c.may(frame{"type": "subscribe", "channel": "a", "window": 5}) {
		t.Error("a may be subscribed to")
	}
	// The cursor is still there for a better token.
	c.send(frame{"type": "auth", "id": 3, "token": tokenFor(t, "ada", everything)})
	c.expect("authenticated", nil)
	c.subscribe(frame{"channel": "a"})
	c.messages("a", 1, 1)
}

func TestTooManyFramesBeforeAuthentication(t *testing.T) {
	n := start(t, withTokens(t))
	c := n.dial("")
	c.expect("connected", nil)
	for range 9 {
		c.send(frame{"type": "ping"})
	}
	c.closed(4401)
}

func TestTokensAreSlowedDown(t *testing.T) {
	n := start(t, withTokens(t))
	c := n.with(tokenFor(t, "ada", nil), "")
	c.expect("connected", nil)
	for range 50 {
		c.send(frame{"type": "auth", "token": "x"})
	}
	limited := 0
	for range 50 {
		if f := c.expect("error", nil); f["code"] == "resource_exhausted" {
			limited++
		}
	}
	if limited == 0 {
		t.Error("all of them were looked at")
	}
}

func TestNoAuthenticationInTime(t *testing.T) {
	n := start(t, withTokens(t, func(_ *token.Config, tokens *ws.Tokens) { tokens.Timeout = time.Millisecond }))
	c := n.dial("")
	c.expect("connected", nil)
	c.expect("closing", frame{"code": 4401, "reconnect": true})
	c.closed(4401)
	eventually(t, func() bool { return n.ends(4401) == 1 })
}

func TestExpiry(t *testing.T) {
	var lifetime atomic.Int64
	lifetime.Store(int64(5 * time.Second))
	n := start(t, withTokens(t), func(s *setup) {
		check := s.options.Tokens.Authenticate
		s.options.Tokens.Authenticate = func(ctx context.Context, c ws.Credentials) (push.Grant, error) {
			grant, err := check(ctx, c)
			grant.Expires = time.Now().Add(time.Duration(lifetime.Load()))
			return grant, err
		}
	})
	c := n.with(tokenFor(t, "ada", everything), "channel=a")
	renewed := n.with(tokenFor(t, "eve", everything), "")
	c.expect("connected", nil)
	c.expect("subscribed", nil)
	renewed.expect("connected", nil)
	lifetime.Store(int64(time.Hour))
	renewed.expect("tokenExpiring", nil)
	renewed.send(frame{"type": "auth", "token": tokenFor(t, "eve", everything)})
	renewed.expect("authenticated", nil)
	c.expect("tokenExpiring", nil)
	c.expect("closing", frame{"code": 4401, "reason": "token expired"})
	c.closed(4401)
	renewed.idle()
}

func TestAnonymous(t *testing.T) {
	n := start(t, withTokens(t, func(_ *token.Config, tokens *ws.Tokens) {
		tokens.Anonymous = func() push.Access { return nil }
	}))
	c := n.dial("channel=lobby&channel=a")
	c.expect("connected", nil)
	c.expect("subscribed", frame{"channel": "lobby"})
	c.expect("error", frame{"code": "permission_denied"})
	if c.may(frame{"type": "publish", "channel": "lobby", "data": 1}) {
		t.Error("everybody may publish")
	}
	n.publish("lobby", `1`)
	c.messages("lobby", 1, 1)
	c.send(frame{"type": "auth", "id": 1, "token": tokenFor(t, "ada", everything)})
	c.expect("authenticated", frame{"subscriber": "ada"})
	c.subscribe(frame{"channel": "a"})
	c.send(frame{"type": "auth", "id": 1, "token": tokenFor(t, "eve", everything)})
	c.expect("error", frame{"code": "permission_denied"})
	_, status, _, _ := n.tryDial("access_token=x", nil)
	if status != 401 {
		t.Errorf("a bad token is answered %d", status)
	}
}

func TestDevices(t *testing.T) {
	n := start(t, withTokens(t, func(c *token.Config, _ *ws.Tokens) { c.Names.Device = "device" }))
	for _, test := range []struct {
		sub, device, want string
	}{{"ada", "phone", "ada/phone"}, {"ada", "", "ada"}, {"ada/phone", "", ""}, {"ada", "a/b", ""}, {"", "phone", ""}} {
		c := claims{}
		if test.sub != "" {
			c["sub"] = test.sub
		}
		if test.device != "" {
			c["device"] = test.device
		}
		got, status, _, _ := n.tryDial("access_token="+sign(t, jwt.SigningMethodHS256, []byte(secret), c), nil)
		if test.want == "" {
			if status != 401 {
				t.Errorf("%v: %d", test, status)
			}
			continue
		}
		got.expect("connected", frame{"subscriber": test.want})
		if !got.may(frame{"type": "subscribe", "channel": "user:ada"}) {
			t.Errorf("%v: not its account's channel", test)
		}
	}
}
