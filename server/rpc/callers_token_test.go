package rpc_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"maps"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/server/admission"
	"pushgate/server/auth/caller"
	"pushgate/server/auth/token"
)

// issuer signs tokens.
type issuer struct {
	t      testing.TB
	secret string
	rules  *token.Rules
}

func newIssuer(t testing.TB) issuer {
	return issuer{t, rand.Text() + rand.Text(), got(token.NewRules(token.Allow{}, nil))(t)}
}

func (i issuer) verifier() *token.Verifier {
	return got(token.New(token.Config{
		Secret: i.secret, MaxBytes: 8 << 10, Names: token.ClaimNames{Subscriber: "sub", Channels: "channels"},
		Rules: i.rules, Logger: slog.New(slog.DiscardHandler),
	}))(i.t)
}

// token has what is given, and is otherwise one that is good for an hour.
func (i issuer) token(claims map[string]any) string {
	i.t.Helper()
	all := map[string]any{"sub": "alice", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(), "jti": rand.Text()}
	maps.Copy(all, claims)
	return got(token.Sign([]byte(i.secret), "", "", all))(i.t)
}

// A token may what its scope says, to the channels that it says.
func TestTokensOfCallers(t *testing.T) {
	i := newIssuer(t)
	n, _ := guarded(t, caller.Options{Callers: callers, Tokens: i.verifier()})
	channels := map[string][]string{"news": {"publish", "subscribe"}, "old": {"subscribe", "history"}}
	all := map[string]*node{}
	for _, scope := range []string{"", "pushgate:publish", "pushgate:subscribe", "pushgate:read", "pushgate:control", "publish", "pushgate:publisher"} {
		all[scope] = n.as(i.token(map[string]any{"scope": scope + " openid", "channels": channels}))
	}
	publish := func(n *node, channel string) codes.Code {
		_, err := n.publish.Publish(patient(t), &pb.PublishRequest{Channel: channel, Data: []byte("1")})
		return status.Code(err)
	}
	stats := func(n *node) codes.Code {
		_, err := n.control.GetStats(patient(t), &pb.GetStatsRequest{})
		return status.Code(err)
	}
	purge := func(n *node) codes.Code {
		_, err := n.control.PurgeChannel(patient(t), &pb.PurgeChannelRequest{Channel: "news"})
		return status.Code(err)
	}
	for scope, who := range all {
		want := map[string]codes.Code{"publish": codes.PermissionDenied, "stats": codes.PermissionDenied, "purge": codes.PermissionDenied}
		switch scope {
		case "pushgate:publish":
			want["publish"] = codes.OK
		case "pushgate:read":
			want["stats"] = codes.OK
		case "pushgate:control":
			want["stats"], want["purge"] = codes.OK, codes.OK
		}
		n.as(adminKey) // other connections do not matter
		if scope == "pushgate:control" {
			n.as(publishKey).send("news", "0")
		}
		have := map[string]codes.Code{"publish": publish(who, "news"), "stats": stats(who), "purge": purge(who)}
		if !maps.Equal(have, want) {
			t.Errorf("scope %q: %v, want %v", scope, have, want)
		}
	}
	if code := publish(all["pushgate:publish"], "old"); code != codes.PermissionDenied {
		t.Errorf("publishing to a channel for subscribing answers %v", code)
	}
	s := all["pushgate:subscribe"]
	stream := got(s.subscribe.Subscribe(patient(t)))(t)
	must(t, stream.Send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Connect{Connect: &pb.Connect{Subscriber: "bob"}}}))
	_, err := stream.Recv()
	wantCode(t, err, codes.PermissionDenied)
	c := s.open("alice")
	c.subscribe("news")
	c.subscribe("old", from("earliest"))
	c.send(&pb.SubscribeRequest{Request: &pb.SubscribeRequest_Subscribe{Subscribe: &pb.Subscribe{Id: 9, Channel: "other"}}})
	if r := c.next(); codes.Code(r.GetError().GetStatus().GetCode()) != codes.PermissionDenied {
		t.Errorf("got %v", r)
	}
}

func TestBadTokensOfCallers(t *testing.T) {
	i, other := newIssuer(t), newIssuer(t)
	n, _ := guarded(t, caller.Options{Tokens: i.verifier(), Failures: admission.NewFailures(1000)})
	for what, text := range map[string]string{
		"rubbish":        "x.y.z",
		"another secret": other.token(map[string]any{"scope": "pushgate:control"}),
		"expired":        i.token(map[string]any{"scope": "pushgate:control", "exp": time.Now().Add(-time.Minute).Unix()}),
		"scope a number": i.token(map[string]any{"scope": 7}),
		"a key":          adminKey,
	} {
		_, err := n.as(text).control.GetStats(patient(t), &pb.GetStatsRequest{})
		if status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s answers %v", what, err)
		}
	}
	got(n.as(i.token(map[string]any{"scope": []string{"pushgate:read"}})).control.GetStats(patient(t), &pb.GetStatsRequest{}))(t)
}

// Calls and streams end with the token, and with its revocation.
func TestTokensOfCallersEnd(t *testing.T) {
	i := newIssuer(t)
	scope := map[string]any{
		"scope":    "pushgate:publish pushgate:subscribe pushgate:control",
		"channels": map[string][]string{"*": {"publish", "subscribe", "history"}},
	}
	for what, c := range map[string]struct {
		life   time.Duration
		revoke func(n *node, id string)
	}{
		"expired": {life: 3 * time.Second},
		"revoked": {life: time.Hour, revoke: func(n *node, id string) {
			got(n.as(adminKey).control.RevokeTokens(context.Background(), &pb.RevokeTokensRequest{TokenId: id}))(t)
		}},
	} {
		t.Run(what, func(t *testing.T) {
			n, _ := guarded(t, caller.Options{Callers: callers, Tokens: i.verifier()})
			id := rand.Text()
			claims := maps.Clone(scope)
			claims["exp"], claims["jti"] = time.Now().Add(c.life).Unix(), id
			text := i.token(claims)
			streams := n.streams(text)
			if c.revoke != nil {
				c.revoke(n, id)
			}
			for stream, next := range streams {
				if err := ending(next); status.Code(err) != codes.Unauthenticated {
					t.Errorf("%s ends by %v", stream, err)
				}
			}
			_, err := n.as(text).control.GetStats(patient(t), &pb.GetStatsRequest{})
			wantCode(t, err, codes.Unauthenticated)
		})
	}
}
