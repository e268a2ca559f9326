package ws_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"pushgate/push"
)

func TestBareClientReceives(t *testing.T) {
	n := start(t)
	c := n.dial("channel=news")
	c.expect("connected", frame{"subscriptions": []any{}, "heartbeat": 25, "maxFrame": 65536})
	c.expect("subscribed", frame{"channel": "news", "seq": 0, "cursor": 0, "pending": 0})
	p := n.publish("news", `{"hello": "world" }`)
	data, err := c.raw()
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"type":"message","channel":"news","seq":1,"data":{"hello": "world" },"messageId":%q,"time":%d}`, p.MessageID, p.Time.UnixMilli())
	if string(data) != want {
		t.Fatalf("got  %s\nwant %s", data, want)
	}
}

func TestDurableSubscriberGetsWhatItMissed(t *testing.T) {
	n := start(t)
	c := n.dial("subscriber=ada")
	c.expect("connected", frame{"subscriber": "ada"})
	c.subscribe(frame{"channel": "news"})
	for range 3 {
		n.publish("news", `1`)
	}
	c.messages("news", 1, 3)
	c.ack("news", 2)
	_ = c.socket.CloseNow()
	for range 3 {
		n.publish("news", `2`)
	}
	c = n.dial("subscriber=ada")
	f := c.expect("connected", nil)
	open := f["subscriptions"].([]any)
	if len(open) != 1 {
		t.Fatalf("reopened %v", open)
	}
	got := open[0].(map[string]any)
	if got["channel"] != "news" || got["seq"] != 6.0 || got["cursor"] != 2.0 || got["pending"] != 4.0 {
		t.Fatalf("reopened %v", got)
	}
	c.messages("news", 3, 6)
	c.subscribe(frame{"channel": "news"})
	n.publish("news", `3`)
	c.messages("news", 7, 7)
}

func TestRestoreNone(t *testing.T) {
	n := start(t)
	c := n.dial("subscriber=ada&channel=a")
	c.expect("connected", nil)
	c.expect("subscribed", frame{"channel": "a"})
	n.publish("a", `1`)
	c.messages("a", 1, 1)
	c = n.dial("subscriber=ada&restore=none")
	c.expect("connected", frame{"subscriptions": []any{}})
	c.subscribe(frame{"channel": "a", "from": "new"})
	c.messages("a", 1, 1) // exists already: from is ignored
}

func TestFrom(t *testing.T) {
	n := start(t)
	epoch := ""
	for range 5 {
		epoch = n.publish("a", `1`).Epoch
	}
	for name, test := range map[string]struct {
		subscriber string
		from       frame
		gap        frame
		cursor     int
		first      uint64
	}{
		"live default":         {from: frame{}, cursor: 5, first: 6},
		"live new":             {from: frame{"from": "new"}, cursor: 5, first: 6},
		"live earliest":        {from: frame{"from": "earliest"}, cursor: 0, first: 1},
		"live seq":             {from: frame{"from": 3}, cursor: 3, first: 4},
		"live seq, epoch":      {from: frame{"from": 3, "epoch": epoch}, cursor: 3, first: 4},
		"live seq, old epoch":  {from: frame{"from": 3, "epoch": "x"}, gap: frame{"reason": "epoch", "from": 0, "to": 0}, cursor: 0, first: 1},
		"live seq, lost":       {from: frame{"from": 77}, gap: frame{"reason": "epoch"}, cursor: 0, first: 1},
		"durable default":      {subscriber: "d1", from: frame{}, cursor: 5, first: 6},
		"durable cursor":       {subscriber: "d2", from: frame{"from": "cursor"}, cursor: 5, first: 6},
		"durable earliest":     {subscriber: "d3", from: frame{"from": "earliest"}, cursor: 0, first: 1},
		"durable seq":          {subscriber: "d4", from: frame{"from": 4, "epoch": epoch}, cursor: 4, first: 5},
		"durable seq, epoch":   {subscriber: "d5", from: frame{"from": 4, "epoch": "x"}, gap: frame{"reason": "epoch"}, cursor: 0, first: 1},
		"not durable by wish":  {subscriber: "d6", from: frame{"durable": false, "from": 1}, cursor: 1, first: 2},
		"named, live, default": {subscriber: "d7", from: frame{"durable": false}, cursor: 5, first: 6},
	} {
		t.Run(name, func(t *testing.T) {
			c := n.dial("subscriber=" + test.subscriber)
			c.t = t
			c.expect("connected", nil)
			test.from["channel"] = "a"
			f := c.subscribe(test.from)
			if f["cursor"] != float64(test.cursor) || f["seq"] != 5.0 || f["pending"] != float64(5-test.cursor) || f["epoch"] != epoch {
				t.Fatalf("subscribed %v", f)
			}
			if test.gap != nil {
				c.expect("gap", test.gap)
			}
			c.messages("a", test.first, 5)
		})
	}
}

func TestWindow(t *testing.T) {
	n := start(t)
	c := n.dial("subscriber=ada")
	c.expect("connected", nil)
	c.subscribe(frame{"channel": "a", "window": 3})
	for range 10 {
		n.publish("a", `1`)
	}
	c.messages("a", 1, 3)
	// The window is full: the pong comes instead of a message.
	c.send(frame{"type": "ping", "id": 9})
	c.expect("pong", frame{"id": 9})
	c.send(frame{"type": "ack", "channel": "a", "seq": 2})
	c.messages("a", 4, 5)
	c.send(frame{"type": "ack", "channel": "a", "seq": 5})
	c.messages("a", 6, 8)
	c.send(frame{"type": "ack", "channel": "a", "seq": 8})
	c.messages("a", 9, 10)
	c.send(frame{"type": "ack", "channel": "a", "seq": 10})
	n.publish("a", `1`)
	c.messages("a", 11, 11)
}

func TestSeveralConnectionsShareACursor(t *testing.T) {
	n := start(t)
	first := n.dial("subscriber=ada&channel=a")
	first.expect("connected", nil)
	first.expect("subscribed", nil)
	second := n.dial("subscriber=ada")
	second.expect("connected", nil)
	for range 4 {
		n.publish("a", `1`)
	}
	first.messages("a", 1, 4)
	second.messages("a", 1, 4)
	second.ack("a", 3)
	_ = first.socket.CloseNow()
	_ = second.socket.CloseNow()
	third := n.dial("subscriber=ada")
	third.expect("connected", nil)
	third.messages("a", 4, 4)
}

func TestForget(t *testing.T) {
	n := start(t)
	c := n.dial("subscriber=ada&channel=a")
	c.expect("connected", nil)
	c.expect("subscribed", nil)
	other := n.dial("subscriber=ada")
	other.expect("connected", nil)
	n.publish("a", `1`)
	c.messages("a", 1, 1)
	other.messages("a", 1, 1)
	c.send(frame{"type": "unsubscribe", "id": 5, "channel": "a", "forget": true})
	c.expect("unsubscribed", frame{"id": 5, "channel": "a", "reason": "client"})
	other.expect("unsubscribed", frame{"channel": "a", "reason": "client"})
	again := n.dial("subscriber=ada")
	again.expect("connected", frame{"subscriptions": []any{}})
}

func TestErrors(t *testing.T) {
	n := start(t, func(c *setup) {
		c.Namespaces.ByName = map[string]push.Namespace{"live": {Window: 1}, "chat": {Window: 1, Durable: true, ClientPublish: true}}
	})
	c := n.dial("subscriber=ada&channel=a")
	c.expect("connected", nil)
	c.expect("subscribed", nil)
	n.publish("a", `1`)
	c.messages("a", 1, 1)
	anonymous := n.dial("channel=a")
	anonymous.expect("connected", nil)
	anonymous.expect("subscribed", nil)
	for _, test := range []struct {
		client *client
		frame  string
		code   string
	}{
		{c, `{"type":"ack","channel":"a","seq":2}`, "invalid_argument"},
		{c, `{"type":"ack","channel":"b","seq":1}`, "failed_precondition"},
		{c, `{"type":"ack","channel":"a","seq":-1}`, "invalid_argument"},
		{anonymous, `{"type":"ack","channel":"a","seq":0}`, "failed_precondition"},
		{anonymous, `{"type":"subscribe","id":3,"channel":"b","durable":true}`, "failed_precondition"},
		{anonymous, `{"type":"subscribe","id":3,"channel":"b","from":"cursor"}`, "invalid_argument"},
		{anonymous, `{"type":"unsubscribe","id":3,"channel":"b","forget":true}`, "failed_precondition"},
		{c, `{"type":"subscribe","id":3,"channel":"live:x","durable":true}`, "failed_precondition"},
		{c, `{"type":"subscribe","id":3,"channel":" a"}`, "invalid_argument"},
		{c, `{"type":"subscribe","id":3,"channel":"a\u0000"}`, "invalid_argument"},
		{c, `{"type":"subscribe","id":3,"channel":"` + strings.Repeat("ä", 128) + `"}`, "invalid_argument"},
		{c, `{"type":"publish","id":3,"channel":"a","data":1}`, "permission_denied"},
		{c, `{"type":"dance","id":3}`, "invalid_argument"},
		{c, `{"type":"auth","id":3,"token":"x"}`, "failed_precondition"},
		{c, `[]`, "invalid_argument"},
		{c, `{`, "invalid_argument"},
	} {
		test.client.text([]byte(test.frame))
		f := test.client.expect("error", frame{"code": test.code})
		if strings.Contains(test.frame, `"id":3`) && f["id"] != 3.0 {
			t.Errorf("%s: answered %v", test.frame, f)
		}
	}
	c.send(frame{"type": "publish", "id": 4, "channel": "chat:1", "data": frame{"a": 1}, "messageId": "m1"})
	c.expect("published", frame{"id": 4, "channel": "chat:1", "seq": 1})
	c.send(frame{"type": "publish", "id": 5, "channel": "chat:1", "data": frame{"a": 1}, "messageId": "m1"})
	c.expect("published", frame{"id": 5, "channel": "chat:1", "seq": 1, "duplicate": true})
}

func TestMalformedFramesInARowClose(t *testing.T) {
	n := start(t)
	c := n.dial("")
	c.expect("connected", nil)
	for range 9 {
		c.text([]byte(`"x"`))
		c.expect("error", frame{"code": "invalid_argument"})
	}
	c.send(frame{"type": "ping"})
	c.expect("pong", nil)
	for range 10 {
		if err := c.socket.Write(t.Context(), websocket.MessageBinary, []byte{1}); err != nil {
			t.Fatal(err)
		}
		c.expect("error", frame{"code": "invalid_argument"})
	}
	c.expect("closing", frame{"code": 4400, "reconnect": false})
	c.closed(4400)
}

func TestTooBigFrameCloses(t *testing.T) {
	n := start(t)
	c := n.dial("")
	c.expect("connected", nil)
	c.text(bytes.Repeat([]byte{' '}, 64<<10+1))
	c.expect("closing", frame{"code": 1009, "reconnect": false})
	c.closed(1009)
}

func TestLargestFrameIsTaken(t *testing.T) {
	n := start(t)
	c := n.dial("")
	c.expect("connected", nil)
	c.text(append([]byte(`{"type":"ping","id":7}`), bytes.Repeat([]byte{' '}, 64<<10-22)...))
	c.expect("pong", frame{"id": 7})
}

func TestRefusedUpgrades(t *testing.T) {
	n := start(t)
	for name, test := range map[string]struct {
		query, header, value string
		status               int
	}{
		"unknown subprotocol":   {header: "Sec-WebSocket-Protocol", value: "soap, mqtt", status: 400},
		"foreign origin":        {header: "Origin", value: "https://evil.example", status: 403},
		"subscriber with a tab": {query: "subscriber=a%09b", status: 400},
		"too many channels":     {query: strings.Repeat("channel=a&", 101), status: 400},
	} {
		t.Run(name, func(t *testing.T) {
			header := http.Header{}
			if test.header != "" {
				header.Set(test.header, test.value)
			}
			_, response, err := websocket.Dial(t.Context(), n.url()+"?"+test.query,
				&websocket.DialOptions{HTTPClient: n.client(), HTTPHeader: header})
			if err == nil || response == nil || response.StatusCode != test.status {
				t.Fatalf("%v, %v", response, err)
			}
			if response.Header.Get("Content-Type") != "application/json" {
				t.Errorf("the body is %s", response.Header.Get("Content-Type"))
			}
		})
	}
}

func TestKnownSubprotocolIsChosen(t *testing.T) {
	n := start(t)
	socket, _, err := websocket.Dial(t.Context(), n.url(),
		&websocket.DialOptions{HTTPClient: n.client(), Subprotocols: []string{"mqtt", ws1}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.CloseNow() }()
	if socket.Subprotocol() != ws1 {
		t.Fatalf("chose %q", socket.Subprotocol())
	}
}

const ws1 = "pushgate.v1.json"
