package ws_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"pushgate/push"
	"pushgate/server/admission"
	"pushgate/server/auth/token"
	"pushgate/server/ws"
	"pushgate/store"
)

// issued is a token with an id that was issued so long ago.
func issued(t *testing.T, subscriber, id string, ago time.Duration) string {
	t.Helper()
	return tokenFor(t, subscriber, everything, "jti", id, "iat", time.Now().Add(-ago).Unix())
}

func (n *node) revoke(r store.Revocation) (ended int) {
	n.t.Helper()
	_, ended, err := n.engine.Revoke(n.t.Context(), r)
	if err != nil {
		n.t.Fatal(err)
	}
	return ended
}

// refusedBy expects that a token does not connect.
func (n *node) refusedBy(text string) {
	n.t.Helper()
	if _, status, body, _ := n.tryDial("access_token="+text, nil); status != 401 {
		n.t.Errorf("got %d %v", status, body)
	}
}

func TestRevocation(t *testing.T) {
	for name, test := range map[string]struct {
		revocation func() store.Revocation
		hit, spare []string // subscriber, id
	}{
		"by id":         {func() store.Revocation { return store.Revocation{TokenID: "1"} }, []string{"ada", "1"}, []string{"ada", "2"}},
		"by subscriber": {func() store.Revocation { return store.Revocation{Subscriber: "ada"} }, []string{"ada", "1"}, []string{"eve", "1"}},
		"of everybody":  {func() store.Revocation { return store.Revocation{IssuedBefore: time.Now()} }, []string{"ada", "1"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pushgate.db")
			s, _ := openSQLite(t, path)
			lenient := withTokens(t, func(c *token.Config, _ *ws.Tokens) { c.Leeway = 5 * time.Second })
			first, second := startOn(t, s, lenient), startOn(t, s, lenient)
			hit := issued(t, test.hit[0], test.hit[1], time.Minute)
			here, there := first.with(hit, "channel=a"), second.with(hit, "")
			inBand := first.dial("")
			var spared *client
			if test.spare != nil {
				spared = first.with(issued(t, test.spare[0], test.spare[1], time.Minute), "restore=none")
				spared.expect("connected", nil)
			}
			here.expect("connected", nil)
			here.expect("subscribed", nil)
			there.expect("connected", nil)
			inBand.expect("connected", nil)
			if ended := first.revoke(test.revocation()); ended != 1 {
				t.Errorf("%d sessions ended", ended)
			}
			here.expect("closing", frame{"code": 4401, "reason": "token revoked"})
			here.closed(4401)
			there.closed(4401)
			first.refusedBy(hit)
			second.refusedBy(hit)
			inBand.send(frame{"type": "auth", "id": 1, "token": hit})
			inBand.expect("error", frame{"id": 1, "code": "unauthenticated"})
			fresh := tokenFor(t, "ada", everything, "jti", "new", "iat", time.Now().Add(time.Second).Unix())
			inBand.send(frame{"type": "auth", "id": 2, "token": fresh})
			inBand.expect("authenticated", frame{"id": 2})
			if spared != nil {
				spared.idle()
			}
			first.stop()
			again := startOn(t, s, withTokens(t))
			again.refusedBy(hit)
		})
	}
}

func TestTokensWithoutATimeCountAsOld(t *testing.T) {
	n := start(t, withTokens(t))
	c := n.with(tokenFor(t, "ada", nil), "")
	c.expect("connected", nil)
	n.revoke(store.Revocation{Subscriber: "ada", IssuedBefore: time.Now().Add(-time.Hour)})
	c.closed(4401)
}

func TestRevocationOfAllDevices(t *testing.T) {
	n := start(t, withTokens(t, func(c *token.Config, _ *ws.Tokens) { c.Names.Device = "device" }))
	device := func(name string) *client {
		text := sign(t, jwt.SigningMethodHS256, []byte(secret), claims{"sub": "ada", "device": name, "iat": time.Now().Add(-time.Minute).Unix()})
		c := n.with(text, "")
		c.expect("connected", frame{"subscriber": "ada/" + name})
		return c
	}
	phone, desk, pad := device("phone"), device("desk"), device("pad")
	n.revoke(store.Revocation{Subscriber: "ada/phone"})
	phone.closed(4401)
	desk.idle()
	n.revoke(store.Revocation{Subscriber: "ada"})
	desk.closed(4401)
	pad.closed(4401)
}

func TestAnonymousClientsHaveNothingToRevoke(t *testing.T) {
	n := start(t, withTokens(t, func(_ *token.Config, tokens *ws.Tokens) {
		tokens.Anonymous = func() push.Access { return nil }
	}))
	c := n.dial("channel=lobby")
	c.expect("connected", nil)
	c.expect("subscribed", nil)
	n.revoke(store.Revocation{IssuedBefore: time.Now()})
	c.idle()
}

func TestRevocationsThatAreRefused(t *testing.T) {
	n := start(t, withTokens(t))
	now := time.Now()
	for name, r := range map[string]store.Revocation{
		"nobody":           {},
		"both":             {Subscriber: "ada", TokenID: "1"},
		"control":          {Subscriber: "a\nb"},
		"long id":          {TokenID: string(make([]byte, 256))},
		"the future":       {Subscriber: "ada", IssuedBefore: now.Add(time.Hour)},
		"expired":          {Subscriber: "ada", Expires: now.Add(-time.Second)},
		"nearly for ever":  {Subscriber: "ada", Expires: now.Add(400 * 24 * time.Hour)},
		"everybody's ever": {Expires: now.Add(time.Hour)},
	} {
		if _, _, err := n.engine.Revoke(t.Context(), r); err == nil || push.AsError(err).Code != "invalid_argument" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if all, err := n.engine.Revocations(t.Context(), 0, 10); err != nil || len(all) != 0 {
		t.Error(all, err)
	}
}

// A token that is refused in-band leaves nothing of its subscriber behind.
func TestRefusedTokenTakesNoPlace(t *testing.T) {
	n := start(t, withTokens(t), limited(admission.Limits{PerSubscriber: 1}))
	n.revoke(store.Revocation{TokenID: "1"})
	c := n.dial("")
	c.expect("connected", nil)
	c.send(frame{"type": "auth", "id": 1, "token": tokenFor(t, "ada", nil, "jti", "1")})
	c.expect("error", frame{"id": 1, "code": "unauthenticated"})
	n.with(tokenFor(t, "ada", nil), "").expect("connected", nil)
	c.send(frame{"type": "auth", "id": 2, "token": tokenFor(t, "ada", nil)})
	c.expect("error", frame{"id": 2, "code": "resource_exhausted"})
	c.send(frame{"type": "auth", "id": 3, "token": tokenFor(t, "grace", nil)})
	c.expect("authenticated", frame{"id": 3, "subscriber": "grace"})
	n.refused("access_token="+tokenFor(t, "grace", nil), nil, "resource_exhausted", "this subscriber has as many connections as it may")
}
