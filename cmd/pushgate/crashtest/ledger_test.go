package crashtest

import (
	"fmt"
	"sync"
	"testing"

	pb "pushgate/proto/gen/pushgate/v1"
)

// ledger is what publishers know of their messages: what was sent, and what was
// answered. A message id under two seqs, or a seq with two ids, fails the test.
type ledger struct {
	t *testing.T
	*news

	lock      sync.Mutex
	sent      map[string]*pb.PublishRequest // by message id
	seqs      map[string]uint64             // by message id, once it was answered OK
	ids       map[place]string              // by place, once it was answered OK
	refusals  int
	duplicate int
}

// place is where a message stands.
type place struct {
	channel string
	seq     uint64
}

func newLedger(t *testing.T) *ledger {
	return &ledger{
		t: t, news: newNews(),
		sent: make(map[string]*pb.PublishRequest), seqs: make(map[string]uint64), ids: make(map[place]string),
	}
}

// send notes a message that is about to be published.
func (l *ledger) send(r *pb.PublishRequest) {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.sent[r.GetMessageId()] = r
}

// answer notes that a publish was answered OK.
func (l *ledger) answer(r *pb.PublishResponse) {
	l.lock.Lock()
	defer l.tell()
	defer l.lock.Unlock()
	id, at := r.GetMessageId(), place{r.GetChannel(), r.GetSeq()}
	if request := l.sent[id]; request == nil || request.GetChannel() != at.channel {
		l.t.Errorf("the answer is of message %q at %v, which nobody sent there", id, at)
	}
	if seq, known := l.seqs[id]; known && seq != at.seq {
		l.t.Errorf("message %q was answered with seq %d and with %d", id, seq, at.seq)
	}
	if other, taken := l.ids[at]; taken && other != id {
		l.t.Errorf("%v was given to message %q and to %q", at, other, id)
	}
	l.seqs[id], l.ids[at] = at.seq, id
	if r.GetDuplicate() {
		l.duplicate++
	}
}

func (l *ledger) refused() {
	l.lock.Lock()
	defer l.tell()
	defer l.lock.Unlock()
	l.refusals++
}

func (l *ledger) published() int {
	l.lock.Lock()
	defer l.lock.Unlock()
	return len(l.ids)
}

// duplicates are the answers that said so.
func (l *ledger) duplicates() int {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.duplicate
}

// bytes are the payloads of all messages together.
func (l *ledger) bytes() int {
	l.lock.Lock()
	defer l.lock.Unlock()
	sum := 0
	for id := range l.seqs {
		sum += len(l.sent[id].GetData())
	}
	return sum
}

// waitPublished waits for so many more messages to be answered OK.
func (l *ledger) waitPublished(more int) {
	l.t.Helper()
	want := l.published() + more
	l.wait(l.t, func() bool { return l.published() >= want },
		func() string { return fmt.Sprintf("%d messages were published, want %d", l.published(), want) })
}

// waitRefused waits until so many more publishes were refused.
func (l *ledger) waitRefused(more int) {
	l.t.Helper()
	count := func() int {
		l.lock.Lock()
		defer l.lock.Unlock()
		return l.refusals
	}
	want := count() + more
	l.wait(l.t, func() bool { return count() >= want },
		func() string { return fmt.Sprintf("%d publishes were refused, want %d", count(), want) })
}

// tails are the channels and their greatest answered seq.
func (l *ledger) tails() map[string]uint64 {
	l.lock.Lock()
	defer l.lock.Unlock()
	tails := make(map[string]uint64)
	for at := range l.ids {
		tails[at.channel] = max(tails[at.channel], at.seq)
	}
	return tails
}

// verifyStored checks, when all was answered, that nothing else is in the store:
// no message twice, none that nobody was told of.
func (l *ledger) verifyStored(n *node) {
	l.t.Helper()
	for channel, tail := range l.tails() {
		if newest := n.newest(channel); newest != tail {
			l.t.Errorf("channel %s ends at %d, but the last answer was %d", channel, newest, tail)
		}
		for seq := uint64(1); seq <= tail; seq++ {
			if _, known := l.ids[place{channel, seq}]; !known {
				l.t.Errorf("channel %s: seq %d was answered to nobody", channel, seq)
			}
		}
	}
}

// verifyReceived waits until a receiver has everything that was published to the
// channels it follows, or was told by a gap that it will not, and compares.
func (l *ledger) verifyReceived(r *receiver) {
	l.t.Helper()
	for channel, tail := range l.tails() {
		r.waitFor(channel, tail)
	}
	l.lock.Lock()
	defer l.lock.Unlock()
	r.lock.Lock()
	defer r.lock.Unlock()
	for at, id := range l.ids {
		got, came := r.seen[at]
		if !came && r.missed(at) {
			continue
		}
		if want := l.sent[id]; got.id != id || got.data != string(want.GetData()) {
			l.t.Errorf("%s got message %q at %v (%d bytes), want %q (%d bytes)", r.name, got.id, at, len(got.data), id, len(want.GetData()))
		}
	}
	for at, got := range r.seen {
		if _, published := l.ids[at]; !published {
			l.t.Errorf("%s got message %q at %v, which was answered to nobody", r.name, got.id, at)
		}
	}
}
