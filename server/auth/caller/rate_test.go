package caller

import (
	"testing"
	"time"
)

func TestRate(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	for name, test := range map[string]struct {
		perSecond int
		takes     []int // one after the other, at once
		passes    int
		wait      time.Duration // of the first that does not
	}{
		"as many at once":        {5, []int{1, 1, 1, 1, 1, 1}, 5, 200 * time.Millisecond},
		"one a second":           {1, []int{1, 1}, 1, time.Second},
		"a large one":            {10, []int{25, 1}, 1, 1600 * time.Millisecond},
		"a large one after some": {10, []int{5, 25}, 1, 500 * time.Millisecond},
		"no bound":               {0, []int{1 << 40, 1 << 40}, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := rate{perSecond: test.perSecond}
			for i, amount := range test.takes {
				wait := r.take(start, amount)
				if (wait == 0) != (i < test.passes) {
					t.Fatalf("take %d waits %s", i, wait)
				}
				if wait == 0 {
					continue
				}
				if wait != test.wait {
					t.Errorf("it says to wait %s, not %s", wait, test.wait)
				}
				if again := r.take(start.Add(wait), amount); again != 0 {
					t.Errorf("after that it says to wait %s", again)
				}
			}
		})
	}
}

// What one rate refuses takes nothing from the other.
func TestBothRates(t *testing.T) {
	c := &caller{messages: rate{perSecond: 2}, bytes: rate{perSecond: 10}}
	now := time.Unix(1_000_000, 0)
	if wait := c.take(now, 10); wait != 0 {
		t.Fatal(wait)
	}
	for range 10 {
		if wait := c.take(now, 5); wait != 500*time.Millisecond {
			t.Fatalf("it says to wait %s", wait)
		}
	}
	if wait := c.take(now, 0); wait != 0 {
		t.Errorf("the second message waits %s", wait)
	}
}
