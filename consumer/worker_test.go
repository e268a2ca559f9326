package consumer

import "testing"

// What all partitions together may hold is Memory, down to the least that a
// partition needs.
func TestMemoryIsShared(t *testing.T) {
	cfg := DefaultConfig()
	for _, partitions := range []int{1, 3, 8, 100, 1000} {
		w := &worker{Consumer: &Consumer{cfg: cfg}, source: &source{Source: DefaultSource()}, share: cfg.Memory / partitions}
		if sum := partitions * (2*w.fetchBytes() + w.batchBytes()); sum > cfg.Memory {
			t.Errorf("%d partitions may hold %d bytes of %d", partitions, sum, cfg.Memory)
		}
	}
}
