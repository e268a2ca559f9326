package push

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The count is that of a list of every message; the bytes are exact where no run
// is acked in part, and never off by more than a run.
func TestInflightAgainstAList(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	type message struct {
		seq   uint64
		bytes int
	}
	for range 200 {
		var f inflight
		var model []message
		seq, largest := uint64(0), 0
		for range 500 {
			switch r.IntN(3) {
			case 0, 1:
				seq++
				if r.IntN(10) == 0 {
					seq += r.Uint64N(5)
				}
				m := message{seq, 1 + r.IntN(1<<r.IntN(18))}
				largest = max(largest, m.bytes)
				model = append(model, m)
				f.sent(m.seq, m.bytes)
			case 2:
				upTo := r.Uint64N(seq + 2)
				if len(model) > 0 && r.IntN(2) == 0 {
					upTo = model[r.IntN(len(model))].seq
				}
				model = slices.DeleteFunc(model, func(m message) bool { return m.seq <= upTo })
				f.acked(upTo)
			}
			bytes := 0
			for _, m := range model {
				bytes += m.bytes
			}
			switch off := f.bytes - bytes; {
			case f.messages != uint64(len(model)):
				t.Fatalf("seed %d: %d messages, want %d", seed, f.messages, len(model))
			case len(model) == 0 && (off != 0 || len(f.runs) != 0):
				t.Fatalf("seed %d: everything is acked, and %d bytes are left in %v", seed, f.bytes, f.runs)
			case max(off, -off) > runBytes+largest:
				t.Fatalf("seed %d: %d bytes, want about %d", seed, f.bytes, bytes)
			}
		}
		if len(model) == 0 {
			continue
		}
		if f.acked(seq); f.messages != 0 || f.bytes != 0 {
			t.Fatalf("seed %d: %+v is left", seed, f)
		}
	}
}

// The usual case takes a run or two, whatever the window is.
func TestInflightIsSmall(t *testing.T) {
	var f inflight
	for seq := uint64(1); seq <= 100_000; seq++ {
		f.sent(seq, 200)
		if seq > MaxWindow {
			f.acked(seq - MaxWindow)
		}
	}
	if runs := len(f.runs); runs > MaxWindow*200/runBytes+2 {
		t.Errorf("%d runs", runs)
	}
	if allocs := testing.AllocsPerRun(100, func() { f.sent(f.runs[len(f.runs)-1].last+1, 1) }); allocs > 0 {
		t.Errorf("%v allocations to note a message", allocs)
	}
}
