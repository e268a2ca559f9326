package broker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"testing"

	"github.com/segmentio/kafka-go/compress"
)

// written is a record batch for tests.
type written struct {
	base       int64
	lastDelta  int32
	attributes int16
	producer   int64
	records    [][]byte
	count      int32 // that the head claims; 0: as many as there are
}

// simple is a record's bytes.
func simple(delta int64, key, value []byte, headers ...string) []byte {
	var b []byte
	bytes := func(v []byte) {
		if v == nil {
			b = binary.AppendVarint(b, -1)
			return
		}
		b = append(binary.AppendVarint(b, int64(len(v))), v...)
	}
	b = append(b, 0) // attributes
	b = binary.AppendVarint(b, 0)
	b = binary.AppendVarint(b, delta)
	bytes(key)
	bytes(value)
	b = binary.AppendVarint(b, int64(len(headers)/2))
	for _, h := range headers {
		bytes([]byte(h))
	}
	return append(binary.AppendVarint(nil, int64(len(b))), b...)
}

func (w written) bytes(t testing.TB) []byte {
	t.Helper()
	body := bytes.Join(w.records, nil)
	if codec := compress.Compression(w.attributes & attributeCodec).Codec(); codec != nil {
		var out bytes.Buffer
		writer := codec.NewWriter(&out)
		if _, err := writer.Write(body); err != nil {
			t.Fatal(err)
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		body = out.Bytes()
	}
	if w.count == 0 {
		w.count = int32(len(w.records))
	}
	var r request
	r.int64(w.base)
	r.int32(int32(batchHead - batchPrefix + len(body)))
	r.int32(0)
	r.int8(magic)
	r.int32(0) // checksum, below
	r.int16(w.attributes)
	r.int32(w.lastDelta)
	r.int64(1000)
	r.int64(1000)
	r.int64(w.producer)
	r.int16(0)
	r.int32(0)
	r.int32(w.count)
	r.b = append(r.b, body...)
	binary.BigEndian.PutUint32(r.b[batchCRCOffset:], crc32.Checksum(r.b[batchBodyOffset:], castagnoli))
	return r.b
}

// read answers the offsets that come, and the error that ends them.
func read(from int64, maxBytes int, set []byte, aborted ...transaction) (string, *Records, error) {
	r := newRecords(from)
	r.set, r.aborted = set, aborted
	got := ""
	for {
		record, err := r.Next(maxBytes)
		if err != nil {
			return got, r, err
		}
		got += fmt.Sprintf("%d=%s ", record.Offset, record.Value)
	}
}

func TestRecords(t *testing.T) {
	a, b := simple(0, []byte("k"), []byte("a")), simple(1, nil, []byte("b"), "h", "v")
	first := written{base: 10, lastDelta: 1, records: [][]byte{a, b}}.bytes(t)
	second := written{base: 12, lastDelta: 7, records: [][]byte{simple(2, nil, []byte("c"))}}.bytes(t) // compacted
	empty := written{base: 20, lastDelta: 4}.bytes(t)
	for _, test := range []struct {
		name     string
		from     int64
		set      []byte
		want     string
		position int64
	}{
		{"nothing", 10, nil, "", 10},
		{"a batch", 10, first, "10=a 11=b ", 12},
		{"from the middle", 11, first, "11=b ", 12},
		{"holes", 10, append(bytes.Clone(first), second...), "10=a 11=b 14=c ", 20},
		{"from a hole at the end", 16, second, "", 20},
		{"an empty batch", 20, empty, "", 25},
		{"a batch that is cut off", 10, append(bytes.Clone(first), second[:len(second)-1]...), "10=a 11=b ", 12},
	} {
		got, r, err := read(test.from, 100, test.set)
		if got != test.want || !errors.Is(err, io.EOF) || r.Position() != test.position {
			t.Errorf("%s: got %q, position %d, %v", test.name, got, r.Position(), err)
		}
		r = newRecords(test.from)
		r.set = test.set
		if after, err := r.After(); err != nil || after != test.position {
			t.Errorf("%s: after it comes %d, %v", test.name, after, err)
		}
	}
}

func TestAbortedTransactions(t *testing.T) {
	batch := func(base, producer int64, attributes int16, value string) []byte {
		return written{base: base, producer: producer, attributes: attributes, records: [][]byte{simple(0, []byte{0, 0, 0, 0}, []byte(value))}}.bytes(t)
	}
	const in, mark = attributeTransactional, attributeTransactional | attributeControl
	set := bytes.Join([][]byte{
		batch(0, 1, in, "a"), batch(1, 2, in, "bad"), batch(2, 1, in, "b"), batch(3, 2, mark, ""), batch(4, 2, in, "c"),
		batch(5, 1, mark, ""), batch(6, 3, 0, "d"), batch(7, 2, mark, ""), batch(8, 1, in, "bad"), batch(9, 1, mark, ""), batch(10, 1, in, "e"),
	}, nil)
	got, r, err := read(0, 100, set, transaction{producer: 2, first: 1}, transaction{producer: 1, first: 8})
	if got != "0=a 2=b 4=c 6=d 10=e " || !errors.Is(err, io.EOF) || r.Position() != 11 {
		t.Errorf("got %q, position %d, %v", got, r.Position(), err)
	}
}

func TestLongRecords(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 1000)
	many := make([]string, 0, 400)
	for range 200 {
		many = append(many, "", "")
	}
	set := written{attributes: 4, lastDelta: 3, records: [][]byte{
		simple(0, nil, long), simple(1, long, []byte("b")), simple(2, nil, []byte("c"), many...), simple(3, nil, []byte("d"), "h", "v"),
	}}.bytes(t)
	r := newRecords(0)
	r.set = set
	for i := range 4 {
		record, err := r.Next(100)
		if err != nil || record.TooLong != (i < 3) || record.Size() > 120 {
			t.Errorf("record %d: %v too long %v, %d bytes", i, err, record.TooLong, record.Size())
		}
	}
}

func TestCorruptRecords(t *testing.T) {
	good := written{lastDelta: 0, records: [][]byte{simple(0, nil, []byte("a"))}}.bytes(t)
	flipped := bytes.Clone(good)
	flipped[len(flipped)-2] ^= 1
	old := bytes.Clone(good)
	old[magicOffset] = 1
	for name, test := range map[string]struct {
		set  []byte
		want error
	}{
		"a bit":        {flipped, ErrCorrupt},
		"format":       {old, ErrFormat},
		"count":        {written{count: 5, records: [][]byte{simple(0, nil, []byte("a"))}}.bytes(t), ErrCorrupt},
		"codec":        {written{attributes: 7, records: [][]byte{simple(0, nil, nil)}}.bytes(t), ErrFormat},
		"varint":       {written{records: [][]byte{bytes.Repeat([]byte{0xff}, 20)}}.bytes(t), ErrCorrupt},
		"length":       {binary.BigEndian.AppendUint32(bytes.Clone(good[:8]), 3), io.EOF},
		"not a snappy": {rewritten(t, good, 2), ErrCorrupt},
	} {
		if _, _, err := read(0, 100, test.set); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	r := newRecords(0)
	r.set = flipped
	if _, err := r.After(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("after a corrupt batch: %v", err)
	}
	r.set = good[:65]
	if _, err := r.After(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("after a part of a batch: %v", err)
	}
	r.set = append(bytes.Clone(good), flipped...)
	if next, err := r.After(); err != nil || next != 1 {
		t.Errorf("after a good batch: %d, %v", next, err)
	}
}

// A record set of some bytes does not allocate what it claims to become.
func TestClaimsOfCompressedBatches(t *testing.T) {
	good := written{records: [][]byte{simple(0, nil, []byte("a"))}}
	for name, test := range map[string]struct {
		codec int16
		body  []byte
	}{
		"a snappy block":    {2, append(binary.AppendUvarint(nil, 1<<31), make([]byte, 20)...)},
		"a framed block":    {2, append(append(bytes.Clone(snappyHeader), 0, 0, 0, 1, 0, 0, 0, 1, 0x70, 0, 0, 0), make([]byte, 20)...)},
		"a block in frames": {2, append(append(bytes.Clone(snappyHeader), 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 6), binary.AppendUvarint(nil, 1<<40)...)},
		"half a length":     {2, append(bytes.Clone(snappyHeader), 0, 0, 0, 1, 0, 0, 0, 1, 0, 0)},
		"a zstd window":     {4, []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 18 << 3, 1 | 8, 0, 0, 'a'}},
	} {
		good.records = [][]byte{test.body}
		set := rewritten(t, good.bytes(t), test.codec)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := read(0, 100, set)
		runtime.ReadMemStats(&after)
		if allocated := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ErrCorrupt) || allocated > 1<<20 {
			t.Errorf("%s: %v, %d bytes were allocated", name, err, allocated)
		}
	}
}

// rewritten claims a codec that the records were not written with.
func rewritten(t *testing.T, set []byte, codec int16) []byte {
	t.Helper()
	set = bytes.Clone(set)
	binary.BigEndian.PutUint16(set[batchBodyOffset:], uint16(codec))
	binary.BigEndian.PutUint32(set[batchCRCOffset:], crc32.Checksum(set[batchBodyOffset:], castagnoli))
	return set
}

// Whatever stands in an answer, reading it ends, and stays within bounds.
func FuzzRecords(f *testing.F) {
	f.Add(written{lastDelta: 1, records: [][]byte{simple(0, []byte("k"), []byte("a")), simple(1, nil, nil, "h", "v")}}.bytes(f))
	for codec := range int16(5) {
		f.Add(written{base: 3, attributes: codec, records: [][]byte{simple(0, nil, bytes.Repeat([]byte("x"), 300))}}.bytes(f))
	}
	f.Fuzz(func(t *testing.T, set []byte) {
		if len(set) > batchHead { // a checksum that fits lets more be read
			length := int64(int32(binary.BigEndian.Uint32(set[8:]))) + batchPrefix
			if length >= batchHead && length <= int64(len(set)) {
				binary.BigEndian.PutUint32(set[batchCRCOffset:], crc32.Checksum(set[batchBodyOffset:length], castagnoli))
			}
		}
		r := newRecords(0)
		r.set = set
		defer r.Close()
		for {
			record, err := r.Next(100)
			if err != nil {
				return
			}
			if record.Size() > 400 {
				t.Fatalf("a record of %d bytes", record.Size())
			}
		}
	})
}
