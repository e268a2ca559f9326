package wire

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestHeaderLengths(t *testing.T) {
	empty := len(Encode(Error{}).Payload())
	for _, tt := range []struct {
		payload int
		header  string
	}{
		{empty, "8127"},
		{125, "817d"},
		{126, "817e007e"},
		{127, "817e007f"},
		{65535, "817effff"},
		{65536, "817f0000000000010000"},
		{1 << 20, "817f0000000000100000"},
	} {
		f := Encode(Error{Message: strings.Repeat("x", tt.payload-empty)})
		if len(f.Payload()) != tt.payload {
			t.Fatalf("the payload has %d bytes, want %d", len(f.Payload()), tt.payload)
		}
		header := f.Bytes[:len(f.Bytes)-tt.payload]
		if got := hex.EncodeToString(header); got != tt.header {
			t.Errorf("%d bytes: header %s, want %s", tt.payload, got, tt.header)
		}
	}
}

func TestCloseFrame(t *testing.T) {
	for _, tt := range []struct {
		name   string
		reason string
		want   string
	}{
		{"empty", "", ""},
		{"short", "draining", "draining"},
		{"exactly full", strings.Repeat("x", 123), strings.Repeat("x", 123)},
		{"too long", strings.Repeat("x", 124), strings.Repeat("x", 123)},
		{"cut inside a rune", strings.Repeat("x", 121) + "😀", strings.Repeat("x", 121)},
		{"cut after a rune", strings.Repeat("x", 119) + "😀y", strings.Repeat("x", 119) + "😀"},
		{"no UTF-8", "a\xffb", "a\ufffdb"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := append([]byte{0x88, byte(2 + len(tt.want)), 0x11, 0x30}, tt.want...)
			if got := CloseFrame(CloseProtocol, tt.reason); !bytes.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	for n := range 300 {
		if got := CloseFrame(CloseNormal, strings.Repeat("aä€😀\xc3", n)); len(got) > 127 || !utf8.Valid(got[4:]) {
			t.Fatalf("%d repetitions: %q", n, got)
		}
	}
}

func TestPingFrame(t *testing.T) {
	for _, tt := range []struct{ payload, want string }{
		{"", "\x89\x00"},
		{"tick", "\x89\x04tick"},
		{strings.Repeat("x", 126), "\x89\x7d" + strings.Repeat("x", 125)},
	} {
		if got := PingFrame([]byte(tt.payload)); string(got) != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestCloseCodeReconnect(t *testing.T) {
	for code, want := range map[CloseCode]bool{
		CloseNormal: false, CloseGoingAway: true, CloseTooBig: false, CloseInternal: true, CloseProtocol: false,
		CloseUnauthenticated: true, CloseForbidden: false, CloseSlow: true, CloseRateLimit: true, 4999: false,
	} {
		if got := code.Reconnect(); got != want {
			t.Errorf("%d: Reconnect() = %v", code, got)
		}
	}
}
