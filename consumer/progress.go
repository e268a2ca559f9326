package consumer

import (
	"fmt"
	"sync"
	"time"

	"pushgate/consumer/broker"
)

// unknown is an offset that is not known yet.
const unknown int64 = -1

// progress is where one assigned partition stands. Its worker writes it; the
// committer, the metrics and the health read it.
type progress struct {
	broker.Partition
	source string

	mu       sync.Mutex
	position int64 // stored: the offset of the next record
	end      int64 // of the log, when it was measured
	// doing is what the worker has been at since since; "" when it waits for
	// records, which is no reason for concern.
	doing   string
	since   time.Time
	failure error // the last, while it is at the same
	halted  bool  // for an operator
}

func newProgress(p broker.Partition, source string) *progress {
	return &progress{Partition: p, source: source, position: unknown, end: unknown, doing: "starting", since: time.Now()}
}

// begin notes what the worker does now; doing the same again is no progress.
func (p *progress) begin(doing string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.doing != doing {
		p.doing, p.since, p.failure = doing, time.Now(), nil
	}
}

// failed notes why it could not be done; it will be tried again.
func (p *progress) failed(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failure = err
}

// read says that everything up to the end of the log, as it was then, was read.
func (p *progress) read(end int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end, p.doing, p.failure = end, "", nil
}

// found notes the stored position; whether the worker gets on from there is not
// known yet.
func (p *progress) found(position int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.position = position
}

// halt says that nothing will be done any more.
func (p *progress) halt(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doing, p.failure, p.halted = "stopped", err, true
}

// stored notes a position that is in the store.
func (p *progress) stored(position int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.position = position
	p.doing, p.failure = "", nil
}

// measured notes the end of the log.
func (p *progress) measured(end int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end = end
}

// next is the stored position, or unknown.
func (p *progress) next() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.position
}

// lag is how many offsets are not stored yet.
func (p *progress) lag() (_ int64, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.end-p.position), p.end != unknown && p.position != unknown
}

// stuck says in a line what has kept the partition from going on for so long, ""
// if nothing has.
func (p *progress) stuck(after time.Duration, now time.Time) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.halted && (p.doing == "" || now.Sub(p.since) < after) {
		return ""
	}
	line := fmt.Sprintf("%s: no progress for %s while %s", p.Partition, now.Sub(p.since).Round(time.Second), p.doing)
	if p.halted {
		line = fmt.Sprintf("%s: stopped", p.Partition)
	}
	if p.failure != nil {
		line += ": " + p.failure.Error()
	}
	return line
}

// assigned are the partitions that this member has now.
type assigned struct {
	mu         sync.Mutex
	partitions []*progress
}

func (a *assigned) set(partitions []*progress) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.partitions = partitions
}

// all must not be changed.
func (a *assigned) all() []*progress {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.partitions
}
