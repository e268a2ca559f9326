package wire

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var golden = []struct {
	name  string
	event Event
	want  string
}{
	{"connected", Connected{Connection: "c1", Node: "n1", Heartbeat: 25, MaxFrame: 65536},
		`{"type":"connected","connection":"c1","node":"n1","heartbeat":25,"maxFrame":65536,"subscriptions":[]}`},
	{"connected with subscriptions",
		Connected{Connection: "c1", Node: "n1", Subscriber: "u:1", Heartbeat: 25, MaxFrame: 65536,
			Subscriptions: []OpenSubscription{
				{Channel: "orders:42", Epoch: "e1", Seq: 9, Cursor: 7, Pending: 2},
				{Channel: "news", Epoch: "e2", Seq: MaxSeq},
			}},
		`{"type":"connected","connection":"c1","node":"n1","subscriber":"u:1","heartbeat":25,"maxFrame":65536,` +
			`"subscriptions":[{"channel":"orders:42","epoch":"e1","seq":9,"cursor":7,"pending":2},` +
			`{"channel":"news","epoch":"e2","seq":9007199254740991,"cursor":0,"pending":0}]}`},
	{"authenticated", Authenticated{Subscriber: "u:1"}, `{"type":"authenticated","subscriber":"u:1"}`},
	{"authenticated until", Authenticated{ID: "7", Subscriber: "u:1", ExpiresIn: 60},
		`{"type":"authenticated","id":7,"subscriber":"u:1","expiresIn":60}`},
	{"tokenExpiring", TokenExpiring{ExpiresIn: 30}, `{"type":"tokenExpiring","expiresIn":30}`},
	{"tokenExpiring now", TokenExpiring{}, `{"type":"tokenExpiring","expiresIn":0}`},
	{"subscribed", Subscribed{ID: "-1.50e+2", Channel: "news", Epoch: "e", Seq: 3, Cursor: 1, Pending: 2},
		`{"type":"subscribed","id":-1.50e+2,"channel":"news","epoch":"e","seq":3,"cursor":1,"pending":2}`},
	{"subscribed by query", Subscribed{Channel: "news", Epoch: "e"},
		`{"type":"subscribed","channel":"news","epoch":"e","seq":0,"cursor":0,"pending":0}`},
	{"gap", Gap{Channel: "news", From: 3, To: 9, Reason: GapExpired},
		`{"type":"gap","channel":"news","from":3,"to":9,"reason":"expired"}`},
	{"unsubscribed", Unsubscribed{ID: "2", Channel: "news", Reason: UnsubscribeClient},
		`{"type":"unsubscribed","id":2,"channel":"news","reason":"client"}`},
	{"unsubscribed without a reason", Unsubscribed{Channel: "news"}, `{"type":"unsubscribed","channel":"news"}`},
	{"published", Published{ID: "3", Channel: "news", Seq: 12},
		`{"type":"published","id":3,"channel":"news","seq":12}`},
	{"published twice", Published{ID: "3", Channel: "news", Seq: 12, Duplicate: true},
		`{"type":"published","id":3,"channel":"news","seq":12,"duplicate":true}`},
	{"error", Error{Code: CodeInternal, Message: "try <again>"},
		`{"type":"error","code":"internal","message":"try <again>"}`},
	{"error with a wait", Error{ID: "4", Code: CodeResourceExhausted, Message: `"x"`, RetryAfter: 1500 * time.Millisecond},
		`{"type":"error","id":4,"code":"resource_exhausted","message":"\"x\"","retryAfter":1500}`},
	{"error with a tiny wait", Error{Code: CodeUnavailable, Message: "m", RetryAfter: time.Nanosecond},
		`{"type":"error","code":"unavailable","message":"m","retryAfter":1}`},
	{"closing", Closing{Code: CloseGoingAway, Reason: "draining", Reconnect: true, RetryAfter: 2 * time.Second},
		`{"type":"closing","code":1001,"reason":"draining","reconnect":true,"retryAfter":2000}`},
	{"closing for good", Closing{Code: CloseForbidden, Reason: "forbidden", RetryAfter: -time.Second},
		`{"type":"closing","code":4403,"reason":"forbidden","reconnect":false,"retryAfter":0}`},
	{"pong", Pong{}, `{"type":"pong"}`},
	{"pong with an id", Pong{ID: "5"}, `{"type":"pong","id":5}`},

	{"message", &Message{Channel: "news", Seq: 1, ID: "m1", Data: []byte(`{"b":1.0, "a":1e2}`), TimeMillis: 1700000000000},
		`{"type":"message","channel":"news","seq":1,"data":{"b":1.0, "a":1e2},"messageId":"m1","time":1700000000000}`},
	{"message of application/json", &Message{Channel: "n", Data: []byte("7"), ContentType: "Application/JSON; charset=utf-8"},
		`{"type":"message","channel":"n","seq":0,"data":7,"time":0}`},
	{"message of +json", &Message{Channel: "n", Data: []byte("[\n1 ]"), ContentType: "application/cloudevents+json; v=1"},
		`{"type":"message","channel":"n","seq":0,"data":` + "[\n1 ]" +
			`,"time":0,"contentType":"application/cloudevents+json; v=1"}`},
	{"message of text", &Message{Channel: "n", Data: []byte("hä\n\"\x00\u2028"), ContentType: "text/plain", Headers: []byte(`{"k":"v"}`)},
		`{"type":"message","channel":"n","seq":0,"data":"hä\n\"\u0000` + "\u2028" +
			`","time":0,"contentType":"text/plain","headers":{"k":"v"}}`},
	{"message of empty text", &Message{Channel: "n", ContentType: "TEXT/plain", Headers: []byte(`{}`)},
		`{"type":"message","channel":"n","seq":0,"data":"","time":0,"contentType":"TEXT/plain"}`},
	{"message of text that is no UTF-8", &Message{Channel: "n", Data: []byte("h\xe4"), ContentType: "text/plain; charset=latin1"},
		`{"type":"message","channel":"n","seq":0,"data64":"aOQ=","time":0,"contentType":"text/plain; charset=latin1"}`},
	{"message of bytes", &Message{Channel: "n", Data: []byte{0, 255, 62, 63}, ContentType: "image/png", TimeMillis: -1},
		`{"type":"message","channel":"n","seq":0,"data64":"AP8+Pw==","time":-1,"contentType":"image/png"}`},
	{"message of nothing", &Message{Channel: "n", ContentType: "image/png"},
		`{"type":"message","channel":"n","seq":0,"data64":"","time":0,"contentType":"image/png"}`},
	{"message of JSON that is empty", &Message{Channel: "n"},
		`{"type":"message","channel":"n","seq":0,"data64":"","time":0}`},
	{"message of JSON that is no UTF-8", &Message{Channel: "n", Data: []byte("\"\xff\"")},
		`{"type":"message","channel":"n","seq":0,"data64":"Iv8i","time":0}`},
	{"message with strange names", &Message{Channel: "a\"\\\x1f\x7f\xffé😀", ID: "\t\r\b", Data: []byte("0")},
		`{"type":"message","channel":"a\"\\\u001f` + "\x7f\ufffdé😀" + `","seq":0,"data":0,"messageId":"\t\r\u0008","time":0}`},
}

func TestEncodeGolden(t *testing.T) {
	for _, tt := range golden {
		t.Run(tt.name, func(t *testing.T) {
			f := Encode(tt.event)
			got := string(f.Payload())
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if !json.Valid([]byte(got)) || !utf8.ValidString(got) {
				t.Errorf("%s is not JSON in UTF-8", got)
			}
			if cap(f.Bytes) != len(f.Bytes) {
				t.Errorf("an append would write into the frame's buffer")
			}
		})
	}
}

func TestEncodeStrings(t *testing.T) {
	for c := range 0x300 {
		for _, s := range []string{string(rune(c)), string([]byte{byte(c)}), "a" + string([]byte{byte(c), 'b'}) + "ü"} {
			var got struct{ Message string }
			if err := json.Unmarshal(Encode(Error{Message: s}).Payload(), &got); err != nil {
				t.Fatalf("%q: %v", s, err)
			}
			if want := string([]rune(s)); got.Message != want {
				t.Fatalf("%q came back as %q", want, got.Message)
			}
		}
	}
}

func TestEncodeAllocations(t *testing.T) {
	m := &Message{Channel: "orders:42", Seq: 7, ID: "0190c6e5-0000", TimeMillis: 1700000000000}
	for _, tt := range []struct{ contentType, data string }{
		{"", `"` + strings.Repeat("x", 126) + `"`},
		{"text/plain; charset=utf-8", strings.Repeat("ä", 64)},
		{"application/octet-stream", strings.Repeat("\xff", 128)},
	} {
		m.ContentType, m.Data = tt.contentType, []byte(tt.data)
		if n := testing.AllocsPerRun(100, func() { sink = Encode(m) }); n > 2 {
			t.Errorf("%q: %v allocations, want the frame and its bytes", tt.contentType, n)
		}
	}
}

var sink *Frame
