package crashtest

import (
	"sync"
	"testing"
	"time"

	"pushgate/cmd/pushgate/pushgatetest"
)

// news is a condition that several goroutines may wait for.
type news struct {
	mu      sync.Mutex
	changed chan struct{}
}

func newNews() *news { return &news{changed: make(chan struct{})} }

// tell wakes all who wait.
func (n *news) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.changed)
	n.changed = make(chan struct{})
}

func (n *news) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changed
}

// wait returns when there were news after which done answers true; state says
// what there is instead when that does not come.
func (n *news) wait(t *testing.T, done func() bool, state func() string) {
	t.Helper()
	deadline := time.After(pushgatetest.Patience)
	for {
		changed := n.next()
		if done() {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("after %s: %s", pushgatetest.Patience, state())
		}
	}
}

// poll asks again and again for what nothing signals.
func poll(t *testing.T, what string, done func() bool) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(pushgatetest.Patience); !done(); <-again.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after %s", what, pushgatetest.Patience)
		}
	}
}
