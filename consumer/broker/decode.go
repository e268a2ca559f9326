package broker

import (
	"encoding/binary"
	"errors"
)

// ErrMalformed says that a broker answered something that is not the protocol.
var ErrMalformed = errors.New("malformed answer from the broker")

// response is what is left to read of a response. After its end all values are
// zero and bad is set.
type response struct {
	b   []byte
	bad bool
}

func (r *response) err() error {
	if r.bad {
		return ErrMalformed
	}
	return nil
}

// take answers the next n bytes, which share the response's memory.
func (r *response) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	taken := r.b[:n:n]
	r.b = r.b[n:]
	return taken
}

func (r *response) int8() int8 {
	if b := r.take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

func (r *response) int16() int16 {
	if b := r.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *response) int32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *response) int64() int64 {
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (r *response) id() (id ID) {
	copy(id[:], r.take(len(id)))
	return id
}

func (r *response) string() string { return string(r.take(int(r.int16()))) }

func (r *response) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// compactLength is -1 for null.
func (r *response) compactLength() int {
	n := r.uvarint()
	if n > uint64(len(r.b))+1 {
		r.bad, r.b = true, nil
		return 0
	}
	return int(n) - 1
}

// compactBytes are nil for null.
func (r *response) compactBytes() []byte {
	n := r.compactLength()
	if n < 0 {
		return nil
	}
	return r.take(n)
}

func (r *response) compactString() string { return string(r.compactBytes()) }

// compactArray calls each once for every element, and passes over the tags
// behind it.
func (r *response) compactArray(each func()) {
	for range r.compactLength() {
		if r.bad {
			return
		}
		each()
		r.tags()
	}
}

func (r *response) compactInt32s() {
	for range r.compactLength() {
		r.int32()
	}
}

func (r *response) array(each func()) {
	for range r.int32() {
		if r.bad {
			return
		}
		each()
	}
}

// tags passes over the optional fields of a structure.
func (r *response) tags() {
	for n := r.uvarint(); n > 0 && !r.bad; n-- {
		r.uvarint()
		r.take(int(min(r.uvarint(), 1<<31)))
	}
}
