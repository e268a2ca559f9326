package ws_test

import (
	"fmt"
	"strings"
	"testing"

	"pushgate/push"
)

// odd are publications whose bytes a careless server would change.
var odd = []push.Publication{
	{Data: []byte(`{"b":1, "a" : [ 1.10, 1e400, -0, 12345678901234567890 ], "b":2}`)},
	{Data: []byte("[\n\t\"\\u00e4\\/ä\\ud83d\\ude00\" ]")},
	{Data: []byte(`"` + strings.Repeat("long", 300) + `"`), MessageID: "an id: <&>\"ä"},
	{Data: []byte(`null`), ContentType: "application/vnd.x+json; charset=utf-8"},
	{Data: []byte("line\nbreak \"quoted\" \\ <script> ä \u2028"), ContentType: "text/plain"},
	{Data: []byte(""), ContentType: "text/plain; charset=utf-8"},
	{Data: []byte{0xff, 0xfe, 0}, ContentType: "text/plain"},
	{Data: []byte{0, 1, 2, 0xff}, ContentType: "application/octet-stream"},
	{Data: []byte(`{}`), Headers: map[string]string{"b": "<&>", "a": "ä\u2028", "c": "", `"`: `\`}},
	{Data: []byte(strings.Repeat("x", 70_000)), ContentType: "image/png", Headers: map[string]string{"h": strings.Repeat("y", 10_000)}},
}

// Every subscriber gets the same bytes: live, from the ring, from the store, and
// after the node has started anew.
func TestFramesAreTheSameForEverybody(t *testing.T) {
	path := t.TempDir() + "/pushgate.db"
	n := startIn(t, path, func(s *setup) { s.RingMessages = 3 })
	n.away("ada", "a")
	live, other := n.dial("channel=a"), n.dial("subscriber=eve&channel=a")
	for _, c := range []*client{live, other} {
		c.expect("connected", nil)
		c.expect("subscribed", nil)
	}
	for _, p := range odd {
		p.Channel = "a"
		if _, err := n.engine.Publish(t.Context(), p); err != nil {
			t.Fatalf("%q: %v", p.Data, err)
		}
	}
	want := frames(live, len(odd))
	same(t, "another live one", frames(other, len(odd)), want)

	ring := n.dial("")
	ring.expect("connected", nil)
	ring.subscribe(frame{"channel": "a", "from": len(odd) - 2})
	same(t, "from the ring", frames(ring, 2), want[len(odd)-2:])

	stored := n.dial("subscriber=ada")
	stored.expect("connected", nil)
	same(t, "from the store", frames(stored, len(odd)), want)

	n.stop()
	n = startIn(t, path)
	again := n.dial("subscriber=ada")
	again.expect("connected", nil)
	same(t, "from another node", frames(again, len(odd)), want)
}

func frames(c *client, count int) []string {
	c.t.Helper()
	list := make([]string, count)
	for i := range list {
		data, err := c.raw()
		if err != nil {
			c.t.Fatal(err)
		}
		list[i] = string(data)
	}
	return list
}

func same(t *testing.T, who string, got, want []string) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s got\n%.300s\nwant\n%.300s", who, got[i], want[i])
		}
	}
}

func TestPayloadsAsTheyWerePublished(t *testing.T) {
	n := start(t)
	c := n.dial("channel=a")
	c.expect("connected", nil)
	c.expect("subscribed", nil)
	for _, test := range []struct{ contentType, data, want string }{
		{"", `{"a" : 1.0}`, `"data":{"a" : 1.0},`},
		{"application/json", `[ ]`, `"data":[ ],`},
		{"text/plain", "a\"b", `"data":"a\"b",`},
		{"image/png", "\x00\x01", `"data64":"AAE=",`},
		{"text/plain", "\xff", `"data64":"/w==",`},
	} {
		p := push.Publication{Channel: "a", Data: []byte(test.data), ContentType: test.contentType}
		if _, err := n.engine.Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if got := frames(c, 1)[0]; !strings.Contains(got, test.want) {
			t.Errorf("%s %q: %s lacks %s", test.contentType, test.data, got, test.want)
		}
	}
}

func TestEphemeralMessages(t *testing.T) {
	n := start(t, func(s *setup) {
		s.Namespaces.ByName = map[string]push.Namespace{"live": {Window: 1}}
	})
	c := n.dial("subscriber=ada&channel=a&channel=live:x")
	c.expect("connected", nil)
	c.expect("subscribed", frame{"channel": "a"})
	c.expect("subscribed", frame{"channel": "live:x", "seq": 0, "epoch": ""})
	for i := range 3 {
		for _, channel := range []string{"a", "live:x", "nobody:listens"} {
			p := push.Publication{Channel: channel, Ephemeral: channel != "live:x", Data: fmt.Appendf(nil, "%d", i), MessageID: "same"}
			got, err := n.engine.Publish(t.Context(), p)
			if err != nil || got.Seq != 0 || got.Epoch != "" || got.Duplicate {
				t.Fatalf("%+v, %v", got, err)
			}
		}
		c.expect("message", frame{"channel": "a", "seq": 0, "data": i, "messageId": "same"})
		c.expect("message", frame{"channel": "live:x", "seq": 0, "data": i})
	}
	if p := n.publish("a", `1`); p.Seq != 1 {
		t.Fatalf("an ephemeral message took a seq: %+v", p)
	}
	c.messages("a", 1, 1)
	again := n.dial("subscriber=ada")
	again.expect("connected", nil)
	again.messages("a", 1, 1)
	again.idle()
}
