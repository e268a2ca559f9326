package pushgatetest

import (
	"bytes"
	"sync"
)

// lines are what was written to standard output and not read yet.
type lines struct {
	mu      sync.Mutex
	unread  []string
	changed chan struct{}
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unread = append(l.unread, line)
	signal(l.changed)
}

func (l *lines) next() (line string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.unread) == 0 {
		return "", false
	}
	line, l.unread = l.unread[0], l.unread[1:]
	return line, true
}

// buffer is what was written to standard error.
type buffer struct {
	mu      sync.Mutex
	content bytes.Buffer
	changed chan struct{}
}

// Write keeps what a process writes.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	signal(b.changed)
	return b.content.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.content.String()
}

// signal wakes the one that waits.
func signal(changed chan struct{}) {
	select {
	case changed <- struct{}{}:
	default:
	}
}
