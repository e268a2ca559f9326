package wire_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"pushgate/push/wire"
)

// TestFramesAreReadByAnotherImplementation writes frames raw to a connection whose other end is a WebSocket client
// that checks what RFC 6455 demands.
func TestFramesAreReadByAnotherImplementation(t *testing.T) {
	frames := []*wire.Frame{
		wire.Encode(wire.Pong{}),
		wire.Encode(wire.Connected{Connection: "c", Node: "n"}),
		wire.Encode(&wire.Message{Channel: "a\xff", Data: []byte(`{"a": 1.0}`)}),
		wire.Encode(&wire.Message{Channel: "a", Data: []byte("ü\xff"), ContentType: "text/plain"}),
	}
	overhead := len(wire.Encode(wire.Error{}).Payload())
	for _, size := range []int{100, 125, 126, 127, 65_535, 65_536, 70_000, 1 << 20} {
		frames = append(frames, wire.Encode(wire.Error{Message: strings.Repeat("x", size-overhead)}))
	}
	reason := strings.Repeat("ä", 62)

	served := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served <- writeRaw(w, r, frames, reason)
	}))
	defer server.Close()

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	pings := make(chan string, 1)
	client, _, err := websocket.Dial(ctx, server.URL, &websocket.DialOptions{
		OnPingReceived: func(_ context.Context, payload []byte) bool {
			pings <- string(payload)
			return true
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.CloseNow() }()
	client.SetReadLimit(2 << 20)

	for i, frame := range frames {
		kind, got, err := client.Read(ctx)
		if err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
		if kind != websocket.MessageText || !bytes.Equal(got, frame.Payload()) {
			t.Fatalf("frame %d: got %v %.100q, want %.100q", i, kind, got, frame.Payload())
		}
	}
	_, _, err = client.Read(ctx)
	var closed websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != websocket.StatusCode(wire.CloseSlow) || closed.Reason != reason[:122] {
		t.Errorf("the end was %v", err)
	}
	if got := <-pings; got != "tick" {
		t.Errorf("the ping carried %q", got)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// writeRaw does the server's half of the opening handshake (RFC 6455 §4.2.2), writes the frames and closes.
func writeRaw(w http.ResponseWriter, r *http.Request, frames []*wire.Frame, reason string) error {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	accept := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	out := fmt.Appendf(nil, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(accept[:]))
	for _, frame := range frames {
		out = append(out, frame.Bytes...)
	}
	out = append(out, wire.PingFrame([]byte("tick"))...)
	out = append(out, wire.CloseFrame(wire.CloseSlow, reason)...)
	if _, err := conn.Write(out); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn) // until the client has answered and closed
	return err
}
