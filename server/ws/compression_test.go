package ws_test

import (
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"pushgate/push"
	"pushgate/server/ws"
)

// The first bytes of frames of compressed messages (RFC 7692 §6).
const (
	opDeflated         = 0xc1 // a whole one
	opDeflatedBegin    = 0x41
	opContinuation     = 0x00
	opContinuationLast = 0x80
)

const (
	offer      = "permessage-deflate; client_max_window_bits" // as browsers do
	accepted   = "permessage-deflate; client_no_context_takeover; server_no_context_takeover"
	extensions = "Sec-WebSocket-Extensions"
)

// threshold is that of the nodes of these tests.
const threshold = 1024

func compression(s *setup) {
	s.options.Compression = &ws.Compression{Level: 1, Threshold: threshold}
	s.options.Registry = s.Registry
}

// dialDeflate connects a client that negotiates permessage-deflate, and knows
// nothing of it afterwards.
func (n *node) dialDeflate(query string) *client {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	socket, response, err := websocket.Dial(ctx, n.url()+"?"+query,
		&websocket.DialOptions{HTTPClient: n.client(), CompressionMode: websocket.CompressionNoContextTakeover, CompressionThreshold: 1})
	if err != nil {
		n.t.Fatal(err)
	}
	if got := response.Header.Get(extensions); got != accepted {
		n.t.Fatalf("negotiated %q", got)
	}
	socket.SetReadLimit(-1)
	n.t.Cleanup(func() { _ = socket.CloseNow() })
	return &client{t: n.t, socket: socket}
}

// rawDeflate is rawDial with an offer; it answers what was accepted.
func (n *node) rawDeflate(query, offer string, early ...[]byte) (*rawClient, string) {
	n.t.Helper()
	c, header := rawUpgrade(n.t, n.tcp(), query, fmt.Sprintf("%s: %s\r\n", extensions, offer), early...)
	return c, strings.Join(header.Values(extensions), ", ")
}

// deflate is the payload of a compressed message (RFC 7692 §7.2.1).
func deflate(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(out.String(), "\x00\x00\xff\xff")
}

// inflate is the message of a payload (RFC 7692 §7.2.2).
func inflate(t *testing.T, payload []byte) []byte {
	t.Helper()
	text, err := io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(payload), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// counted is the value of a metric; where it has labels, with the given value of one.
func (n *node) counted(name, label string) float64 {
	n.t.Helper()
	families, err := n.registry.Gather()
	if err != nil {
		n.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			if len(m.GetLabel()) == 0 || m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	n.t.Fatalf("there is no metric %s %s", name, label)
	return 0
}

func text(size int) string { return `"` + strings.Repeat("x", size-2) + `"` }

func TestNegotiation(t *testing.T) {
	on, off := start(t, compression), start(t)
	for offer, want := range map[string]string{
		"permessage-deflate": accepted,
		offer:                accepted,
		"permessage-deflate; server_no_context_takeover; client_no_context_takeover": accepted,
		"permessage-deflate;client_max_window_bits=8":                                accepted,
		"permessage-deflate; server_max_window_bits=15":                              accepted,
		"permessage-deflate; server_max_window_bits=10, permessage-deflate":          accepted,
		"x-unknown, permessage-deflate":                                              accepted,

		"permessage-deflate; server_max_window_bits=8":        "",
		`permessage-deflate; server_max_window_bits="15`:      "",
		"permessage-deflate; server_max_window_bits":          "",
		"permessage-deflate; server_no_context_takeover=1":    "",
		"permessage-deflate; mode=fastest":                    "",
		"permessage-deflate; ; ":                              "",
		"x-webkit-deflate-frame":                              "",
		"permessage-bzip2":                                    "",
		";;,;=,\"":                                            "",
		"permessage-deflate=1":                                "",
		"permessage-deflate; " + strings.Repeat("a;", 3000):   "",
		strings.Repeat("x, ", 3000) + "permessage-deflate ; ": "",
	} {
		channel := "negotiation"
		for _, n := range []*node{on, off} {
			want, first := want, byte(opDeflated)
			if n == off {
				want = ""
			}
			if want == "" {
				first = opText
			}
			c, got := n.rawDeflate("channel="+channel, offer)
			if got != want {
				t.Errorf("%.80q: accepted %q, want %q", offer, got, want)
				continue
			}
			c.expect(opText, "connected")
			c.expect(opText, "subscribed")
			n.publish(channel, text(2*threshold))
			if op, _, err := c.read(); op != first || err != nil {
				t.Errorf("%.80q: %#x, %v", offer, op, err)
			}
			_ = c.conn.Close()
		}
	}
}

// A client that did not negotiate it may not compress.
func TestCompressedFramesWithoutNegotiation(t *testing.T) {
	n := start(t, compression)
	c := n.rawDial("")
	c.expect(opText, "connected")
	c.write(masked(opDeflated, deflate(t, ping)))
	c.closed(4400)
}

func TestFramesAroundTheThreshold(t *testing.T) {
	n := start(t, compression)
	packed, _ := n.rawDeflate("channel=a", offer)
	plain := n.rawDial("channel=a")
	for _, c := range []*rawClient{packed, plain} {
		c.catchUp()
		c.expect(opText, "connected")
		c.expect(opText, "subscribed")
	}
	n.publish("a", text(100))
	around := len(plain.expect(opText, "message")) - 100
	packed.expect(opText, "message")
	for size, want := range map[int]byte{threshold - 1: opText, threshold: opDeflated, threshold + 1: opDeflated, 65535: opDeflated, 65536: opDeflated, 200_000: opDeflated} {
		n.publish("a", text(size-around))
		message := plain.expect(opText, "message")
		if len(message) != size {
			t.Fatalf("%d bytes, want %d", len(message), size)
		}
		got := packed.expect(want, "")
		if want == opDeflated {
			if len(got) > size/4 {
				t.Errorf("%d bytes became %d", size, len(got))
			}
			got = inflate(t, got)
		}
		if !bytes.Equal(got, message) {
			t.Errorf("of %d bytes: %.200q, want %.200q", size, got, message)
		}
	}
}

// What would not be shorter goes out as it is, and is not tried for each connection.
func TestFramesThatDoNotShrink(t *testing.T) {
	n := start(t, compression, func(s *setup) { s.options.Compression.Threshold = 1 })
	c, _ := n.rawDeflate("", offer)
	if _, _, err := c.read(); err != nil { // connected, which may shrink a little
		t.Fatal(err)
	}
	before := n.counted("pushgate_compression_skipped_total", "incompressible")
	c.write(masked(opText, `{"type":"ping"}`))
	c.expect(opText, "pong")
	if got := n.counted("pushgate_compression_skipped_total", "incompressible") - before; got != 1 {
		t.Errorf("%v were not compressed", got)
	}
}

// The server's own frames are compressed like messages: a long list of
// subscriptions is such a one.
func TestOwnFramesAreCompressed(t *testing.T) {
	n := start(t, compression)
	c := n.dial("subscriber=ada")
	c.expect("connected", nil)
	for i := range 30 {
		c.subscribe(frame{"channel": fmt.Sprintf("c%d", i)})
	}
	again, _ := n.rawDeflate("subscriber=ada", offer)
	if got := inflate(t, again.expect(opDeflated, "")); bytes.Count(got, []byte(`"channel":"c`)) != 30 {
		t.Errorf("%s", got)
	}
}

func TestEachMessageIsCompressedOnce(t *testing.T) {
	const subscribers, messages, size = 30, 20, 4 << 10
	n := start(t, compression)
	clients := make([]*client, subscribers)
	for i := range clients {
		clients[i] = n.dialDeflate("channel=a")
		clients[i].expect("connected", nil)
		clients[i].expect("subscribed", nil)
	}
	if got := n.counted("pushgate_compressed_connections", ""); got != subscribers {
		t.Errorf("%v connections", got)
	}
	for seq := range uint64(messages) {
		n.publish("a", text(size))
		for _, c := range clients {
			c.messages("a", seq+1, seq+1)
		}
	}
	if got := n.counted("pushgate_compressed_messages_total", ""); got != messages {
		t.Errorf("%v were compressed", got)
	}
	before, after := n.counted("pushgate_compression_bytes_total", "plain"), n.counted("pushgate_compression_bytes_total", "compressed")
	if before < messages*size || after < messages*50 || after > before/10 {
		t.Errorf("%v bytes became %v", before, after)
	}
	if n.counted("pushgate_compression_seconds_total", "") <= 0 {
		t.Error("it took no time")
	}
	views := n.engine.Connections("", "", 1)
	if len(views) != 1 || views[0].SentBytes > messages*size/2 {
		t.Errorf("sent: %+v", views)
	}
	_ = clients[0].socket.CloseNow()
	eventually(t, func() bool { return n.counted("pushgate_compressed_connections", "") == subscribers-1 })
}

// Where there is too much to compress, nobody waits: it goes out as it is.
func TestBusyCompressorIsPassedBy(t *testing.T) {
	const channels, size = 12, 400 << 10
	n := start(t, compression, func(s *setup) {
		s.options.Compression.Concurrency, s.options.Compression.Level = 1, 9
	})
	clients := make([]*client, channels)
	for i := range clients {
		clients[i] = n.dialDeflate(fmt.Sprintf("channel=c%d", i))
		clients[i].expect("connected", nil)
		clients[i].expect("subscribed", nil)
	}
	data := []byte(text(size))
	eventually(t, func() bool {
		for i := range clients {
			if _, err := n.engine.Publish(t.Context(), push.Publication{Channel: fmt.Sprintf("c%d", i), Data: data, Ephemeral: true}); err != nil {
				t.Fatal(err)
			}
		}
		for i, c := range clients {
			if got := c.expect("message", frame{"channel": fmt.Sprintf("c%d", i)}); len(got["data"].(string)) != size-2 {
				t.Fatal("another message")
			}
		}
		return n.counted("pushgate_compression_skipped_total", "busy") > 0
	})
	if n.counted("pushgate_compressed_messages_total", "") == 0 {
		t.Error("nothing was compressed")
	}
}
