package push

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// gathering runs a gatherer whose batches take some time, and notes them.
type gathering struct {
	*gatherer[int]
	stop context.CancelFunc
	done chan struct{}

	mu      sync.Mutex
	batches [][]int
}

func gather(g *gatherer[int], took time.Duration) *gathering {
	ctx, cancel := context.WithCancel(context.Background())
	run := &gathering{gatherer: g, stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(run.done)
		g.run(ctx, func(batch []int) {
			run.mu.Lock()
			run.batches = append(run.batches, slices.Clone(batch))
			run.mu.Unlock()
			time.Sleep(took)
		})
	}()
	return run
}

// worked are the batches so far.
func (g *gathering) worked() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return fmt.Sprint(g.batches)
}

// end stops the gatherer as its owners do, and answers all batches.
func (g *gathering) end() string {
	g.close()
	g.stop()
	<-g.done
	return g.worked()
}

func TestGathererBatchesWhatComesDuringABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gather(newGatherer[int](4, 100, 1000, 1000, 0), 10*time.Millisecond)
		if err := g.add(1, 1); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for i := 2; i <= 8; i++ {
			if err := g.add(i, i*10); err != nil {
				t.Fatal(err)
			}
		}
		// At most four, and a hundred bytes: 20+30+40, 50, 60, 70, 80.
		if got := g.end(); got != "[[1] [2 3 4] [5] [6] [7] [8]]" {
			t.Error(got)
		}
	})
}

func TestGathererThatIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gather(newGatherer[int](1, 100, 3, 100, 0), time.Second)
		for i := range 4 {
			if err := g.add(i, 1); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // the first is being worked on
		}
		if err := g.add(4, 1); !errors.Is(err, errFull) {
			t.Fatalf("over the number: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := g.addWait(ctx, 4, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("waiting in vain: %v", err)
		}
		if err := g.addWait(t.Context(), 5, 1); err != nil {
			t.Fatalf("waiting: %v", err)
		}
		waiting := make(chan error)
		go func() { waiting <- g.addWait(t.Context(), 6, 1) }()
		synctest.Wait()
		g.close()
		if err := <-waiting; !errors.Is(err, errStopped) {
			t.Errorf("waiting for what was closed: %v", err)
		}
		if err := g.add(7, 1); !errors.Is(err, errStopped) {
			t.Errorf("after close: %v", err)
		}
		if got := g.end(); got != "[[0] [1] [2] [3] [5]]" {
			t.Error(got)
		}
	})
}

func TestGathererTakesOneThatIsLargerThanAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gather(newGatherer[int](10, 10, 10, 50, 0), time.Second)
		for i, size := range []int{1, 80} {
			if err := g.add(i, size); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if err := g.add(2, 1); !errors.Is(err, errFull) {
			t.Fatalf("behind it: %v", err)
		}
		if got := g.end(); got != "[[0] [1]]" {
			t.Error(got)
		}
	})
}

// Callers that wait for their answers come again together: the batch after theirs
// waits a little for all of them, and one that is alone waits for nobody.
func TestGathererLingers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const linger = 4 * time.Millisecond
		g := gather(newGatherer[int](100, 1000, 1000, 1000, linger), 10*time.Millisecond)
		_ = g.add(1, 1)
		synctest.Wait()
		_ = g.add(2, 1)
		_ = g.add(3, 1)
		// The first batch lingers in vain for a third; the second has just ended.
		time.Sleep(10*time.Millisecond + linger + 10*time.Millisecond + time.Microsecond)
		_ = g.add(4, 1)
		time.Sleep(time.Millisecond)
		_ = g.add(5, 1)
		synctest.Wait()
		if got := g.worked(); got != "[[1] [2 3] [4 5]]" {
			t.Error(got)
		}
		time.Sleep(time.Second)
		start := time.Now()
		_ = g.add(6, 1)
		synctest.Wait()
		if got := g.worked(); got != "[[1] [2 3] [4 5] [6]]" || time.Since(start) > 0 {
			t.Error(got)
		}
		g.end()
	})
}

// Whatever comes from how many goroutines, nothing is lost or done twice, and
// what one goroutine adds stays in order.
func TestGathererUnderLoad(t *testing.T) {
	const callers, each = 8, 2000
	g := gather(newGatherer[int](16, 64, 32, 64, 10*time.Microsecond), 0)
	var adding sync.WaitGroup
	for c := range callers {
		adding.Go(func() {
			for i := range each {
				if err := g.addWait(t.Context(), c*each+i, 1+i%4); err != nil {
					t.Error(err)
				}
			}
		})
	}
	adding.Wait()
	next := make([]int, callers)
	g.end()
	for _, batch := range g.batches {
		for _, item := range batch {
			if c := item / each; item%each != next[c] {
				t.Fatalf("caller %d: %d, want %d", c, item%each, next[c])
			}
			next[item/each]++
		}
	}
	for c, n := range next {
		if n != each {
			t.Errorf("caller %d: %d of %d", c, n, each)
		}
	}
}
