package ws_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func TestDrain(t *testing.T) {
	n := start(t)
	clients := make([]*client, 20)
	for i := range clients {
		clients[i] = n.dial("channel=a")
		clients[i].expect("connected", nil)
		clients[i].expect("subscribed", nil)
	}
	n.publish("a", `1`)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		n.server.Drain(t.Context(), 10*time.Millisecond)
	}()
	for _, c := range clients {
		c.messages("a", 1, 1)
		f := c.expect("closing", frame{"code": 1001, "reason": "draining", "reconnect": true})
		if after := f["retryAfter"].(float64); after < 1000 || after > 5000 {
			t.Errorf("retryAfter is %v", after)
		}
		c.closed(1001)
	}
	<-drained
	_, response, err := websocket.Dial(t.Context(), n.url(), &websocket.DialOptions{HTTPClient: n.client()})
	if err == nil || response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Fatalf("%v, %v", response, err)
	}
}

// The closes are spread over the period; when the time for it is over, the rest
// is closed at once, and who does not answer is not waited for.
func TestDrainIsSpreadAndEnds(t *testing.T) {
	n := start(t)
	frames := make(chan string)
	for range 2 {
		c := n.dial("")
		c.expect("connected", nil)
		go func() {
			data, _ := c.raw()
			frames <- string(data)
		}()
	}
	ctx, cancel := context.WithCancel(t.Context())
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		n.server.Drain(ctx, time.Hour)
	}()
	check := func(f string) {
		if !strings.HasPrefix(f, `{"type":"closing","code":1001`) {
			t.Errorf("got %q", f)
		}
	}
	check(<-frames)
	select {
	case f := <-frames:
		t.Errorf("the second got %q at once", f)
	default:
	}
	cancel()
	check(<-frames)
	<-drained
}

// A publish under way is answered before the close; others are refused.
func TestDrainAnswersPublishes(t *testing.T) {
	s, _ := openSQLite(t, t.TempDir()+"/pushgate.db")
	gate := newGatedLog(s)
	n := startOn(t, gate, func(s *setup) { s.Namespaces.Default.ClientPublish = true })
	c := n.dial("")
	c.expect("connected", nil)
	gate.closed.Store(true)
	c.send(frame{"type": "publish", "id": 1, "channel": "a", "data": 1})
	<-gate.committed
	over, cancel := context.WithCancel(t.Context())
	cancel()
	n.server.Drain(over, 0) // does not wait for the end
	c.send(frame{"type": "publish", "id": 2, "channel": "a", "data": 2})
	c.expect("error", frame{"id": 2, "code": "unavailable"})
	gate.closed.Store(false)
	gate.open <- struct{}{}
	c.expect("published", frame{"id": 1, "seq": 1})
	c.expect("closing", frame{"code": 1001, "reason": "draining"})
	c.closed(1001)
}

func TestEngineThatStopsFirst(t *testing.T) {
	n := start(t)
	c := n.dial("subscriber=ada&channel=a")
	c.expect("connected", nil)
	c.expect("subscribed", nil)
	n.engine.Stop()
	c.expect("closing", frame{"code": 1001, "reconnect": true})
	c.closed(1001)
}
