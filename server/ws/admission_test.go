package ws_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"testing"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"pushgate/server/admission"
)

func limited(limits admission.Limits) setting {
	return func(s *setup) {
		s.options.Gate = admission.NewGate(limits, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	}
}

func behind(t *testing.T, proxies ...string) setting {
	return func(s *setup) {
		var err error
		if s.options.Proxies, err = admission.ParseProxies(proxies, admission.Either); err != nil {
			t.Fatal(err)
		}
	}
}

// refusal is how a client was not let in.
type refusal struct {
	status     int
	header     http.Header
	closes     bool
	Code       string
	Message    string
	retryAfter int // in seconds
}

// try connects, or answers how that was refused.
func (n *node) try(query string, header http.Header) (*client, *refusal) {
	n.t.Helper()
	socket, response, err := websocket.Dial(n.t.Context(), n.url()+"?"+query, &websocket.DialOptions{HTTPClient: n.client(), HTTPHeader: header})
	switch {
	case err == nil:
		n.t.Cleanup(func() { _ = socket.CloseNow() })
		return &client{t: n.t, socket: socket}, nil
	case response == nil:
		n.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	r := &refusal{status: response.StatusCode, header: response.Header, closes: response.Close}
	r.retryAfter, _ = strconv.Atoi(response.Header.Get("Retry-After"))
	if err := json.NewDecoder(response.Body).Decode(r); err != nil {
		n.t.Fatal(err)
	}
	return nil, r
}

// refused expects a refusal that tells the client to come back.
func (n *node) refused(query string, header http.Header, code, message string) {
	n.t.Helper()
	_, r := n.try(query, header)
	if r == nil {
		n.t.Fatal("it was let in")
	}
	if r.status != http.StatusServiceUnavailable || !r.closes || r.retryAfter < 1 || r.retryAfter > 5 || r.header.Get("Content-Type") != "application/json" {
		n.t.Errorf("refused with %d and %v", r.status, r.header)
	}
	if r.Code != code || r.Message != "server busy: "+message {
		n.t.Errorf("refused with %+v, want %s: %s", r, code, message)
	}
}

// comesIn waits until there is a place again.
func (n *node) comesIn(query string, header http.Header) {
	n.t.Helper()
	eventually(n.t, func() bool {
		c, _ := n.try(query, header)
		if c != nil {
			c.expect("connected", nil)
		}
		return c != nil
	})
}

const full = "there are as many connections as the node holds"

func TestTotalOfConnections(t *testing.T) {
	n := start(t, limited(admission.Limits{Connections: 2}))
	first, second := n.dial("channel=a"), n.dial("")
	first.expect("connected", nil)
	first.expect("subscribed", nil)
	n.refused("subscriber=ada", nil, "resource_exhausted", full)
	if n.engine.Sessions() != 2 {
		t.Errorf("the engine has %d sessions", n.engine.Sessions())
	}
	n.publish("a", `1`)
	first.messages("a", 1, 1)
	_ = second.socket.CloseNow()
	n.comesIn("", nil)
	n.refused("", nil, "resource_exhausted", full)
}

// Whoever is refused for another reason has taken no place.
func TestRefusedConnectionsTakeNoPlace(t *testing.T) {
	n := start(t, limited(admission.Limits{Connections: 1}))
	for range 3 {
		for query, header := range map[string]http.Header{
			"":              {"Origin": {"https://evil.example"}},
			"channel=a":     {"Sec-WebSocket-Protocol": {"other"}},
			"subscriber=+a": nil,
		} {
			if c, _ := n.try(query, header); c != nil {
				t.Fatal("it was let in")
			}
		}
		response, err := n.client().Get(n.http.URL + "/ws") // no upgrade
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	n.comesIn("", nil)
}

func TestConnectionsOfOneSubscriber(t *testing.T) {
	n := start(t, limited(admission.Limits{PerSubscriber: 2}))
	first := n.dial("subscriber=ada")
	n.dial("subscriber=ada")
	n.refused("subscriber=ada", nil, "resource_exhausted", "this subscriber has as many connections as it may")
	n.dial("subscriber=grace")
	n.dial("")
	_ = first.socket.CloseNow()
	n.comesIn("subscriber=ada", nil)
}

func TestConnectionsFromOneAddress(t *testing.T) {
	const tooMany = "there are as many connections from this address as there may be"
	n := start(t, limited(admission.Limits{PerAddress: 1}), behind(t, "127.0.0.1", "10.0.0.0/8"))
	from := func(address string) http.Header { return http.Header{"X-Forwarded-For": {address}} }
	first, _ := n.try("", from("203.0.113.5"))
	for _, same := range []string{"203.0.113.5", "8.8.8.8, 203.0.113.5", "203.0.113.5, 10.0.0.3", "::ffff:203.0.113.5"} {
		n.refused("", from(same), "resource_exhausted", tooMany)
	}
	if c, _ := n.try("", from("203.0.113.6")); c == nil {
		t.Fatal("another address has no place")
	}
	if c, _ := n.try("", from("2001:db8::1")); c == nil {
		t.Fatal("IPv6 has no place")
	}
	n.refused("", from("2001:db8::ffff:1"), "resource_exhausted", tooMany)
	_ = first.socket.CloseNow()
	n.comesIn("", from("203.0.113.5"))
}

// Without trusted proxies, headers change nothing.
func TestSpoofedAddress(t *testing.T) {
	n := start(t, limited(admission.Limits{PerAddress: 1}))
	c := n.dial("")
	c.expect("connected", nil)
	for _, header := range []http.Header{{"X-Forwarded-For": {"203.0.113.5"}}, {"Forwarded": {"for=203.0.113.5"}}} {
		n.refused("", header, "resource_exhausted", "there are as many connections from this address as there may be")
	}
}

func TestAddressThatOperatorsSee(t *testing.T) {
	n := start(t, behind(t, "127.0.0.1"))
	c, _ := n.try("", http.Header{"Forwarded": {`for="[2001:db8::5]:4711"`}})
	c.expect("connected", nil)
	if views := n.engine.Connections("", "", 10); len(views) != 1 || views[0].Info.RemoteAddress != "2001:db8::5" {
		t.Errorf("got %+v", views)
	}
}

func TestRateOfConnections(t *testing.T) {
	n := start(t, limited(admission.Limits{Rate: 1}))
	n.dial("")
	// On a slow machine a second may pass before the next one.
	eventually(t, func() bool {
		c, _ := n.try("", nil)
		return c == nil
	})
	n.comesIn("", nil)
}
