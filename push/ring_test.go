package push

import (
	"math/rand/v2"
	"testing"

	"pushgate/push/wire"
)

func TestRingAgainstAMap(t *testing.T) {
	const maxFrames, maxBytes = 8, 400
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 100 {
		var ring ring
		model := make(map[uint64]*wire.Frame)
		last, held := uint64(0), 0
		remove := func(upTo uint64) {
			for seq := range model {
				if seq <= upTo {
					delete(model, seq)
				}
			}
		}
		for range 300 {
			switch r.IntN(10) {
			default:
				seq := last + 1
				if r.IntN(10) == 0 {
					seq = last + 1 + r.Uint64N(3)
				}
				if seq != last+1 {
					clear(model)
				}
				f := &wire.Frame{Bytes: make([]byte, r.IntN(150))}
				held += ring.push(seq, f, maxFrames, maxBytes)
				model[seq], last = f, seq
				for size(model) > maxBytes || len(model) > maxFrames {
					remove(oldest(model))
				}
			case 8: // one that came already, late
				if len(model) > 0 {
					held += ring.push(last-r.Uint64N(last), &wire.Frame{Bytes: make([]byte, 10)}, maxFrames, maxBytes)
				}
			case 7: // one is compressed, whether the ring has it or not any more
				seq := r.Uint64N(last + 2)
				f := ring.get(seq)
				if f == nil || f.Compressed() != nil {
					f = &wire.Frame{Bytes: make([]byte, 10)}
				}
				held += ring.compress(seq, f, make([]byte, r.IntN(50)))
			case 9:
				upTo := r.Uint64N(last + 1)
				held -= ring.forget(upTo)
				remove(upTo)
			}
			if held != size(model) || ring.bytes != held {
				t.Fatalf("seed %d: holds %d, counted %d, want %d", seed, ring.bytes, held, size(model))
			}
			for seq := range last + 5 {
				if ring.get(seq) != model[seq] {
					t.Fatalf("seed %d: at %d is %p, want %p", seed, seq, ring.get(seq), model[seq])
				}
			}
		}
		if held -= ring.clear(); held != 0 || ring.get(last) != nil {
			t.Fatalf("seed %d: %d bytes are left", seed, held)
		}
	}
}

func size(model map[uint64]*wire.Frame) (bytes int) {
	for _, f := range model {
		bytes += f.Size()
	}
	return bytes
}

func oldest(model map[uint64]*wire.Frame) uint64 {
	least := uint64(1 << 62)
	for seq := range model {
		least = min(least, seq)
	}
	return least
}
