package push

import (
	"fmt"
	"slices"
	"testing"
)

// Few or many, what was added is found until it is removed.
func TestOpened(t *testing.T) {
	for _, n := range []int{0, 1, maxFew, maxFew + 1, 3 * maxFew} {
		var o opened
		var all []*subscription
		for i := range n {
			s := &subscription{channel: &channel{name: fmt.Sprint(i)}}
			all = append(all, s)
			o.add(s)
		}
		stranger := &subscription{channel: &channel{name: "0"}}
		o.remove(stranger)
		for len(all) > 0 {
			if o.count() != len(all) || len(slices.Collect(o.all())) != len(all) {
				t.Fatalf("%d are there, and listed %d, of %d", o.count(), len(slices.Collect(o.all())), len(all))
			}
			for _, s := range all {
				if o.of(s.channel.name) != s {
					t.Fatalf("%s of %d is not found", s.channel.name, n)
				}
			}
			gone := all[len(all)/2]
			all = slices.Delete(all, len(all)/2, len(all)/2+1)
			o.remove(gone)
			if o.of(gone.channel.name) != nil {
				t.Fatalf("%s of %d is still there", gone.channel.name, n)
			}
		}
		if o.count() != 0 || o.of("0") != nil {
			t.Fatal("something is left")
		}
	}
}
