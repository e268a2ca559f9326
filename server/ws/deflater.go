package ws

import (
	"bytes"

	"github.com/klauspost/compress/flate"

	"pushgate/push/wire"
)

// deflater compresses messages, each on its own (RFC 7692 §7.2.1). It keeps about
// a megabyte, and is not safe for concurrent use.
type deflater struct {
	writer *flate.Writer
	out    bytes.Buffer
}

// deflateTail ends what a deflater flushes, and is not sent (RFC 7692 §7.2.1).
const deflateTail = "\x00\x00\xff\xff"

func newDeflater(level int) *deflater {
	d := &deflater{}
	// It fails for other levels only.
	d.writer, _ = flate.NewWriter(&d.out, min(max(level, flate.BestSpeed), flate.BestCompression))
	return d
}

// deflate answers the compressed form of a frame, nil if that is no shorter.
func (d *deflater) deflate(f *wire.Frame) []byte {
	d.out.Reset()
	d.writer.Reset(&d.out)
	_, err := d.writer.Write(f.Payload())
	if err == nil {
		err = d.writer.Flush()
	}
	if err != nil {
		return nil // a bytes.Buffer takes everything
	}
	form := wire.CompressedFrame(bytes.TrimSuffix(d.out.Bytes(), []byte(deflateTail)))
	if d.out.Cap() > scratchSize {
		d.out = bytes.Buffer{}
	}
	if len(form) >= len(f.Bytes) {
		return nil
	}
	return form
}
