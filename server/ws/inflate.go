package ws

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

var errInflate = errors.New("invalid compressed data")

// inflations holds what takes a compressed message apart: some 45 KiB each, and
// only while it is being done.
var inflations = sync.Pool{New: func() any {
	i := &inflation{}
	i.reader = flate.NewReader(&i.source)
	return i
}}

type inflation struct {
	source bytes.Reader
	reader io.ReadCloser
}

// inflateTail is what a sender left out (RFC 7692 §7.2.2), and a final block, by
// which the end of the data can be told from data that was cut off.
const inflateTail = deflateTail + "\x01\x00\x00\xff\xff"

// inflate appends the message that data, with inflateTail behind it, stands for
// (RFC 7692 §7.2.2). It stops when buf becomes longer than limit.
func inflate(buf, data []byte, limit int) ([]byte, error) {
	i := inflations.Get().(*inflation)
	defer inflations.Put(i)
	i.source.Reset(data)
	defer i.source.Reset(nil)
	if err := i.reader.(flate.Resetter).Reset(&i.source, nil); err != nil {
		return buf, errInflate
	}
	buf, err := readUpTo(buf, i.reader, limit)
	if err != nil && !errors.Is(err, errTooBig) {
		return buf, errInflate
	}
	return buf, err
}
