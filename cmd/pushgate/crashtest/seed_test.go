package crashtest

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// chance is a test's randomness: one seed, and a generator for each who asks.
type chance struct {
	seed uint64
	next uint64
}

func newChance(t *testing.T) *chance {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv("PUSHGATE_TEST_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("PUSHGATE_TEST_SEED: %v", err)
		}
	}
	t.Logf("PUSHGATE_TEST_SEED=%d", seed)
	return &chance{seed: seed}
}

// generator answers a new one, for one goroutine.
func (c *chance) generator() *rand.Rand {
	c.next++
	return rand.New(rand.NewPCG(c.seed, c.next))
}
