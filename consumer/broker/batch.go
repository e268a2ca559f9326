package broker

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"time"
)

// The layout of a record batch.
const (
	batchPrefix     = 12 // offset and length, which the length does not count
	batchHead       = 61 // everything before the records
	batchCRCOffset  = 17
	batchBodyOffset = 21 // what the checksum covers
	magicOffset     = 16
	magic           = 2

	attributeCodec         = 0x07
	attributeTransactional = 0x10
	attributeControl       = 0x20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batch is a record batch, read from its beginning to its end.
type batch struct {
	base, last int64 // offsets, whether the records are still there or not
	attributes int16
	time       int64 // of the first record, or of all if the broker sets it; ms
	producer   int64
	left       int32 // records
	body       []byte

	in     *bufio.Reader
	closer io.Closer
}

// openBatch takes the first batch from a record set. io.EOF says that none, or
// only a part of one, is left.
func openBatch(set []byte) (_ *batch, rest []byte, _ error) {
	if len(set) < batchHead {
		return nil, nil, io.EOF
	}
	length := int64(int32(binary.BigEndian.Uint32(set[8:]))) + batchPrefix
	if set[magicOffset] != magic {
		return nil, nil, fmt.Errorf("version %d: %w", set[magicOffset], ErrFormat)
	}
	if length < batchHead {
		return nil, nil, fmt.Errorf("a length of %d: %w", length, ErrCorrupt)
	}
	if length > int64(len(set)) {
		return nil, nil, io.EOF
	}
	raw := set[:length]
	if binary.BigEndian.Uint32(raw[batchCRCOffset:]) != crc32.Checksum(raw[batchBodyOffset:], castagnoli) {
		return nil, nil, fmt.Errorf("checksum: %w", ErrCorrupt)
	}
	head := &response{b: raw[batchBodyOffset:batchHead]}
	b := &batch{base: int64(binary.BigEndian.Uint64(raw)), body: raw[batchHead:]}
	b.attributes = head.int16()
	b.last = b.base + int64(head.int32())
	b.time = head.int64()
	if newest := head.int64(); b.attributes&0x08 != 0 { // the broker's time, for all
		b.time = newest
	}
	b.producer = head.int64()
	head.int16() // producer epoch
	head.int32() // first sequence number
	b.left = head.int32()
	return b, set[length:], nil
}

func (b *batch) control() bool       { return b.attributes&attributeControl != 0 }
func (b *batch) transactional() bool { return b.attributes&attributeTransactional != 0 }

// decompress prepares for record.
func (b *batch) decompress() error {
	in, err := decompress(b.attributes&attributeCodec, b.body)
	if err != nil {
		return err
	}
	b.in, b.closer = bufio.NewReader(in), in
	return nil
}

func (b *batch) close() {
	if b.closer != nil {
		_ = b.closer.Close()
		b.closer = nil
	}
}

// record reads the next record, io.EOF behind the last.
func (b *batch) record(maxBytes int) (Record, error) {
	if b.left <= 0 {
		return Record{}, io.EOF
	}
	b.left--
	f := fields{in: b.in, maxBytes: maxBytes}
	if length := f.varint(); f.err == nil && (length < 0 || length > math.MaxInt32) {
		f.err = ErrCorrupt
	}
	f.skip(1) // attributes
	var record Record
	ms := f.varint()
	if b.attributes&0x08 != 0 {
		ms = 0
	}
	record.Time = time.UnixMilli(b.time + ms)
	record.Offset = b.base + f.varint()
	record.Key = f.bytes()
	record.Value = f.bytes()
	f.left = maxBytes // for all headers together
	for n := f.varint(); n > 0 && f.err == nil; n-- {
		h := Header{Name: string(f.header()), Value: f.header()}
		if !f.tooLong {
			record.Headers = append(record.Headers, h)
		}
	}
	record.TooLong = f.tooLong
	if f.err != nil {
		return Record{}, fmt.Errorf("at offset %d: %w (%w)", record.Offset, ErrCorrupt, f.err)
	}
	return record, nil
}
