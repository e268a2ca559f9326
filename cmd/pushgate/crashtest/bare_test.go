package crashtest

import (
	"net/http"
	"testing"
)

// What `new WebSocket("ws://127.0.0.1:8080/ws?channel=news")` does on a page of
// the server, without a browser: no subprotocol, an origin, nothing sent.
func TestBareWebSocketReceives(t *testing.T) {
	t.Parallel()
	n := start(t)
	c, err := connect(t.Context(), t, n.socket+"?channel=news", http.Header{"Origin": {n.http}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.socket.CloseNow() })
	if protocol := c.socket.Subprotocol(); protocol != "" {
		t.Errorf("the server chose the subprotocol %q, which was not offered", protocol)
	}
	c.expect("connected")
	if f := c.expect("subscribed"); f.Channel != "news" {
		t.Errorf("got %+v", f)
	}
	n.send("news", `{"hello": "world"}`)
	if f := c.expect("message"); f.Channel != "news" || f.Seq != 1 || string(f.Data) != `{"hello": "world"}` {
		t.Errorf("got %+v with data %s", f, f.Data)
	}
}

func TestPageOfAnotherOriginIsRefused(t *testing.T) {
	t.Parallel()
	n := start(t)
	_, err := connect(t.Context(), t, n.socket+"?channel=news", http.Header{"Origin": {"https://evil.example"}})
	if refused, ok := err.(*errRefused); !ok || refused.status != http.StatusForbidden {
		t.Errorf("the upgrade is answered with %v", err)
	}
}
