package wire

import (
	"strings"
	"testing"
)

func BenchmarkEncodeMessage(b *testing.B) {
	for _, bm := range []struct{ name, contentType, data string }{
		{"json128", "", `{"text":"` + strings.Repeat("x", 117) + `"}`},
		{"text128", "text/plain", strings.Repeat("x", 128)},
		{"bytes128", "application/octet-stream", strings.Repeat("\xff", 128)},
	} {
		b.Run(bm.name, func(b *testing.B) {
			m := &Message{Channel: "orders:42", Seq: 123456, ID: "0190c6e5-7b2a", Data: []byte(bm.data),
				ContentType: bm.contentType, TimeMillis: 1700000000000}
			b.ReportAllocs()
			for b.Loop() {
				Encode(m)
			}
		})
	}
}

func BenchmarkEncodePong(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Encode(Pong{ID: "7"})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, bm := range []struct{ name, frame string }{
		{"ack", `{"type":"ack","channel":"orders:42","seq":123456}`},
		{"subscribe", `{"type":"subscribe","id":7,"channel":"orders:42","durable":true,"from":"cursor","window":256}`},
		{"publish", `{"type":"publish","id":7,"channel":"orders:42","data":{"text":"` + strings.Repeat("x", 117) + `"}}`},
	} {
		b.Run(bm.name, func(b *testing.B) {
			frame := []byte(bm.frame)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(frame); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
