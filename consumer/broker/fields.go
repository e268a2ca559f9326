package broker

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// fields reads the fields of one record; after an error everything is zero.
type fields struct {
	in       *bufio.Reader
	maxBytes int
	left     int // of the bytes that all headers may have
	tooLong  bool
	err      error
}

func (f *fields) varint() int64 {
	if f.err != nil {
		return 0
	}
	v, err := binary.ReadVarint(f.in)
	f.fail(err)
	return v
}

func (f *fields) fail(err error) {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // io.EOF is for the end between two records
	}
	if f.err == nil {
		f.err = err
	}
}

func (f *fields) skip(n int64) {
	for n > 0 && f.err == nil {
		step := min(n, 1<<20)
		_, err := f.in.Discard(int(step))
		f.fail(err)
		n -= step
	}
}

// bytes are nil for null, or if there are more than maxBytes.
func (f *fields) bytes() []byte {
	n := f.varint()
	switch {
	case n < 0 || f.err != nil:
		return nil
	case n > int64(f.maxBytes):
		f.tooLong = true
		f.skip(n)
		return nil
	}
	b := make([]byte, n)
	_, err := io.ReadFull(f.in, b)
	f.fail(err)
	return b
}

// headerOverhead is what a header takes beside its bytes, so that a record of
// nothing but empty headers is bounded too.
const headerOverhead = 16

// header is a header's name or value.
func (f *fields) header() []byte {
	before := f.maxBytes
	f.maxBytes = f.left
	b := f.bytes()
	f.maxBytes = before
	f.left -= len(b) + headerOverhead
	return b
}
