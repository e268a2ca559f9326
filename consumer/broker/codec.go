package broker

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/segmentio/kafka-go/compress"
)

// decompress reads the records of a batch as a stream. A few bytes must not make
// it allocate gigabytes, whatever a producer has written into them.
func decompress(codec int16, body []byte) (io.ReadCloser, error) {
	in := bytes.NewReader(body)
	switch codec := compress.Compression(codec); codec {
	case compress.None:
		return io.NopCloser(in), nil
	case compress.Gzip, compress.Lz4: // bounded by their formats
		return codec.Codec().NewReader(in), nil
	case compress.Snappy:
		if err := checkSnappy(body); err != nil {
			return nil, err
		}
		return codec.Codec().NewReader(in), nil
	case compress.Zstd:
		return newZstd(in)
	default:
		return nil, fmt.Errorf("codec %d: %w", codec, ErrFormat)
	}
}

// Snappy comes as one block, or in blocks behind a header and their lengths each.
var snappyHeader = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

const (
	snappyHead  = 16 // the header with its versions; bytes
	snappyRatio = 22 // three bytes become 64 at most
)

// checkSnappy looks at the lengths that the blocks claim: they are allocated
// before anything is read.
func checkSnappy(body []byte) error {
	if len(body) < snappyHead || !bytes.HasPrefix(body, snappyHeader) {
		return checkSnappyBlock(body)
	}
	for rest := body[snappyHead:]; len(rest) > 0; {
		if len(rest) < 4 {
			return fmt.Errorf("snappy: %w", ErrCorrupt)
		}
		length := int64(binary.BigEndian.Uint32(rest))
		if rest = rest[4:]; length > int64(len(rest)) {
			return fmt.Errorf("snappy: a block of %d bytes: %w", length, ErrCorrupt)
		}
		if err := checkSnappyBlock(rest[:length]); err != nil {
			return err
		}
		rest = rest[length:]
	}
	return nil
}

func checkSnappyBlock(block []byte) error {
	length, err := snappy.DecodedLen(block)
	if err != nil || length > snappyRatio*len(block) {
		return fmt.Errorf("snappy: %d bytes in %d: %w", length, len(block), ErrCorrupt)
	}
	return nil
}

// zstdWindow is what the highest level asks for; bytes.
const zstdWindow = 128 << 20

var zstdDecoders sync.Pool // of *zstd.Decoder

// zstdReader gives its decoder back when it is closed.
type zstdReader struct{ *zstd.Decoder }

func newZstd(in io.Reader) (io.ReadCloser, error) {
	if d, ok := zstdDecoders.Get().(*zstd.Decoder); ok {
		return zstdReader{d}, d.Reset(in)
	}
	// One thread: no goroutines that would have to be ended.
	d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return zstdReader{d}, nil
}

// Close is part of io.Closer.
func (r zstdReader) Close() error {
	err := r.Reset(nil) // lets go of the batch
	zstdDecoders.Put(r.Decoder)
	return err
}
