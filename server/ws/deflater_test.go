package ws

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"pushgate/push/wire"
)

// BenchmarkDeflate: what one message costs at each level, and how much smaller it
// becomes.
func BenchmarkDeflate(b *testing.B) {
	for _, size := range []int{1 << 10, 4 << 10, 16 << 10} {
		f := wire.Encode(&wire.Message{Channel: "orders:42", Seq: 1, Data: document(size), TimeMillis: 1_700_000_000_000})
		for _, level := range []int{1, 3, 6, 9} {
			b.Run(fmt.Sprintf("%dKiB/level%d", size>>10, level), func(b *testing.B) {
				d := newDeflater(level)
				b.SetBytes(int64(len(f.Bytes)))
				b.ReportAllocs()
				var form []byte
				for b.Loop() {
					form = d.deflate(f)
				}
				b.ReportMetric(float64(len(f.Bytes))/float64(len(form)), "ratio")
			})
		}
	}
}

// document is JSON of about a size, as of an application: names repeat, ids and
// amounts do not.
func document(size int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	out := bytes.NewBufferString(`{"items":[`)
	for out.Len() < size {
		fmt.Fprintf(out, `{"id":"%016x","count":%d,"price":%d.%02d,"state":%q,"updatedAt":%d},`, r.Uint64(), r.IntN(100), r.IntN(1000), r.IntN(100),
			[]string{"pending", "confirmed", "shipped", "delivered"}[r.IntN(4)], 1_700_000_000_000+r.Int64N(1e9))
	}
	out.Truncate(out.Len() - 1)
	out.WriteString(`]}`)
	return out.Bytes()
}

// A frame is compressed by itself: what was compressed before leaves no trace.
func TestDeflaterKeepsNothing(t *testing.T) {
	d := newDeflater(6)
	f := wire.Encode(&wire.Message{Channel: "a", Data: document(4 << 10)})
	first := d.deflate(f)
	d.deflate(wire.Encode(&wire.Message{Channel: "a", Data: document(200 << 10)}))
	if again := d.deflate(f); !bytes.Equal(first, again) || len(first) > len(f.Bytes)/2 {
		t.Errorf("%d bytes became %d, then %d", len(f.Bytes), len(first), len(again))
	}
}
