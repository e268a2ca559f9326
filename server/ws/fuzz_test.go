package ws

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/flate"
	"github.com/prometheus/client_golang/prometheus"
)

const fuzzLimit = 512

// refusals counts the messages that are too big.
type refusals int

func (r *refusals) begins() {}
func (r *refusals) tooBig() { *r++ }

func inflating(in io.Reader, refused *refusals) *inflater {
	return &inflater{
		in: bufio.NewReaderSize(in, readBuffer), limit: fuzzLimit, client: refused,
		messages: prometheus.NewCounter(prometheus.CounterOpts{Name: "messages"}),
	}
}

// FuzzInflaterInput: whatever comes, nothing panics, what comes out of it is
// bounded by what came in, and how it came in pieces makes no difference.
func FuzzInflaterInput(f *testing.F) {
	for _, seed := range []string{"\xc1\x87\x00\x00\x00\x00\xf2\x48\xcd\xc9\xc9\x07\x00", "\x41\x80abcd\x80\x85abcdHello", "\x89\x00\xc1\xfe\xff\xff1234", "\xc1\xff\x00\x00\x00\x00\x00\x00\x00\x011234x"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		whole, tooBig, err := drained(bytes.NewReader(data))
		pieces, tooBigToo, errToo := drained(iotest.OneByteReader(bytes.NewReader(data)))
		if !bytes.Equal(whole, pieces) || tooBig != tooBigToo || (err == nil) != (errToo == nil) {
			t.Fatalf("%x %v %v\n%x %v %v", whole, tooBig, err, pieces, tooBigToo, errToo)
		}
		if len(whole) > len(data)+len(data)/7*(fuzzLimit+maxHead) {
			t.Errorf("%d bytes became %d", len(data), len(whole))
		}
		if tooBig > 1 {
			t.Errorf("refused %d times", tooBig)
		}
	})
}

// drained reads to the end, or to an error that is not the end of the input.
func drained(in io.Reader) (out []byte, tooBig refusals, err error) {
	out, err = io.ReadAll(inflating(in, &tooBig))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return out, tooBig, err
}

// FuzzInflaterMessages: messages in frames of all kinds, compressed or not, come
// out as they went in.
func FuzzInflaterMessages(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0))
		var in, want []byte
		tooBig := false
		for range r.IntN(20) {
			message := bytes.Repeat([]byte{byte(r.Uint32()), byte(r.Uint32())}, r.IntN(fuzzLimit))
			payload, rsv := message, byte(0)
			if r.IntN(3) > 0 {
				payload, rsv = squeeze(t, message, r), rsv1Bit
			}
			kind := 1 + byte(r.IntN(2))
			in = frameUp(in, kind|rsv, payload, r)
			switch {
			case rsv == 0:
				want = append(append(want, kind), message...)
			case tooBig || len(message) > fuzzLimit:
				tooBig = true
			default:
				want = append(append(want, kind), message...)
			}
		}
		var refused refusals
		d := inflating(iotest.HalfReader(bytes.NewReader(in)), &refused)
		if got := messages(t, d); !bytes.Equal(got, want) {
			t.Errorf("got %x, want %x", got, want)
		}
		if (refused == 1) != tooBig {
			t.Errorf("refused %d times, want %v", refused, tooBig)
		}
	})
}

// squeeze compresses a message as RFC 7692 §7.2.1 allows it: in several blocks, or
// with a final one.
func squeeze(t *testing.T, message []byte, r *rand.Rand) []byte {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, r.IntN(10))
	if err != nil {
		t.Fatal(err)
	}
	cut := r.IntN(len(message) + 1)
	_, _ = w.Write(message[:cut])
	_ = w.Flush()
	_, _ = w.Write(message[cut:])
	if r.IntN(4) == 0 {
		_ = w.Close()
		return append(out.Bytes(), 0)
	}
	_ = w.Flush()
	return bytes.TrimSuffix(out.Bytes(), []byte(deflateTail))
}

// frameUp appends a message in fragments, with pings between them.
func frameUp(in []byte, first byte, payload []byte, r *rand.Rand) []byte {
	for {
		n := r.IntN(len(payload) + 1)
		if r.IntN(2) == 0 {
			n = len(payload)
		}
		last := n == len(payload)
		if last {
			first |= finBit
		}
		in = frameOf(in, first, payload[:n], r)
		if last {
			return in
		}
		if r.IntN(2) == 0 {
			in = frameOf(in, 0x89, []byte("ping"), r)
		}
		first, payload = 0, payload[n:]
	}
}

func frameOf(in []byte, first byte, payload []byte, r *rand.Rand) []byte {
	switch n := len(payload); {
	case n < 126 && r.IntN(2) == 0:
		in = append(in, first, maskBit|byte(n))
	case r.IntN(2) == 0:
		in = binary.BigEndian.AppendUint16(append(in, first, maskBit|126), uint16(n))
	default:
		in = binary.BigEndian.AppendUint64(append(in, first, maskBit|127), uint64(n))
	}
	key := [4]byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}
	in = append(in, key[:]...)
	for i, b := range payload {
		in = append(in, b^key[i&3])
	}
	return in
}

// messages reads plain frames to the end: of each message its opcode and its bytes.
func messages(t *testing.T, d *inflater) (all []byte) {
	in := bufio.NewReaderSize(d, 16)
	reader := &inflater{in: bufio.NewReader(in)} // for its header
	for {
		head, length, err := reader.header()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		first, key := head[0], [4]byte(head[len(head)-4:])
		_, _ = reader.in.Discard(len(head))
		payload := make([]byte, length)
		if _, err := io.ReadFull(reader.in, payload); err != nil {
			t.Fatal(err)
		}
		for i := range payload {
			payload[i] ^= key[i&3]
		}
		switch op := first & opMask; {
		case first&rsvBits != 0:
			t.Fatalf("a frame that begins with %#x", first)
		case op >= opControl:
			if string(payload) != "ping" {
				t.Fatalf("control frame %q", payload)
			}
		case op != opContinuation:
			all = append(append(all, op), payload...)
		default:
			all = append(all, payload...)
		}
	}
}
