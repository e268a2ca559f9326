package wire_test

import (
	"bytes"
	"testing"

	"pushgate/push/wire"
)

func TestCompressedFrameIsMarked(t *testing.T) {
	for size, head := range map[int]string{
		0: "\xc1\x00", 125: "\xc1\x7d", 126: "\xc1\x7e\x00\x7e", 65535: "\xc1\x7e\xff\xff", 65536: "\xc1\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
	} {
		payload := bytes.Repeat([]byte("x"), size)
		if got := wire.CompressedFrame(payload); !bytes.Equal(got, append([]byte(head), payload...)) {
			t.Errorf("of %d bytes: %.20q", size, got)
		}
	}
}

func TestFormsOfAFrame(t *testing.T) {
	f := wire.Encode(wire.Pong{})
	if f.Compressed() != nil || f.Size() != len(f.Bytes) {
		t.Error("it has a compressed form already")
	}
	f.SetCompressed([]byte("short"))
	if string(f.Compressed()) != "short" || f.Size() != len(f.Bytes)+5 {
		t.Errorf("%q, %d", f.Compressed(), f.Size())
	}
	f.SetCompressed(nil)
	if !bytes.Equal(f.Compressed(), f.Bytes) || f.Size() != len(f.Bytes) {
		t.Errorf("%q, %d", f.Compressed(), f.Size())
	}
}
