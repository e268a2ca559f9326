package broker

import "encoding/binary"

// request is a request under construction.
type request struct{ b []byte }

func (r *request) int8(v int8)   { r.b = append(r.b, byte(v)) }
func (r *request) int16(v int16) { r.b = binary.BigEndian.AppendUint16(r.b, uint16(v)) }
func (r *request) int32(v int32) { r.b = binary.BigEndian.AppendUint32(r.b, uint32(v)) }
func (r *request) int64(v int64) { r.b = binary.BigEndian.AppendUint64(r.b, uint64(v)) }
func (r *request) id(v ID)       { r.b = append(r.b, v[:]...) }

func (r *request) bool(v bool) {
	if v {
		r.int8(1)
	} else {
		r.int8(0)
	}
}

func (r *request) string(v string) {
	r.int16(int16(len(v)))
	r.b = append(r.b, v...)
}

// compactString is a string of a flexible request.
func (r *request) compactString(v string) {
	r.compactLength(len(v))
	r.b = append(r.b, v...)
}

// compactLength is the length of a string or array of a flexible request; -1
// stands for null.
func (r *request) compactLength(n int) { r.b = binary.AppendUvarint(r.b, uint64(n+1)) }

// noTags ends a structure of a flexible request.
func (r *request) noTags() { r.b = append(r.b, 0) }
