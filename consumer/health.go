package consumer

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// troubles are what keeps the Consumer as a whole from working.
type troubles struct {
	mu  sync.Mutex
	now map[string]trouble // by the operation that fails
}

type trouble struct {
	since time.Time
	err   error
}

// set notes how an operation went.
func (t *troubles) set(operation string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		delete(t.now, operation)
		return
	}
	since := time.Now()
	if before, ok := t.now[operation]; ok {
		since = before.since
	}
	if t.now == nil {
		t.now = map[string]trouble{}
	}
	t.now[operation] = trouble{since: since, err: err}
}

// Health says in a line each what is not as it should be; nothing when all is
// well. A node with such lines still serves its clients.
func (c *Consumer) Health() []string {
	var lines []string
	now := time.Now()
	c.troubles.mu.Lock()
	for operation, t := range c.troubles.now {
		lines = append(lines, fmt.Sprintf("kafka: %s: %v (for %s)", operation, t.err, now.Sub(t.since).Round(time.Second)))
	}
	c.troubles.mu.Unlock()
	for _, p := range c.assigned.all() {
		if line := p.stuck(c.cfg.timing.stuck, now); line != "" {
			lines = append(lines, "kafka: "+line)
		}
	}
	slices.Sort(lines)
	return lines
}
