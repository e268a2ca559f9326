package crashtest

import "pushgate/cmd/pushgate/pushgatetest"

// memoryBound is what a node of these tests may take: far above what the
// outboxes and pages of its clients add up to, far below what one that keeps
// whatever a dead client does not read would take.
func memoryBound() int {
	const bound = 256 << 20
	if pushgatetest.Raced() {
		return 6 * bound
	}
	return bound
}

func (n *node) checkMemory() {
	n.t.Helper()
	memory, bound := n.Memory(), memoryBound()
	n.t.Logf("at most %d MiB resident", memory>>20)
	if memory > bound {
		n.t.Errorf("the server had %d MiB of resident memory; the bound is %d MiB", memory>>20, bound>>20)
	}
}
