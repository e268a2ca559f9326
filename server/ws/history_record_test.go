package ws_test

import (
	"sync"
	"testing"
	"time"
)

// record is what happened, as publishers and clients saw it.
type record struct {
	t  *testing.T
	mu sync.Mutex

	sent    map[string]sent     // by message id
	stored  map[place]string    // message ids, by the answers to publishes
	seen    map[place]delivered // by the clients' frames
	purged  map[string]uint64   // up to which seq, by channel
	acked   map[subscription]uint64
	covered map[subscription]map[uint64]bool // delivered, or told as a gap
}

type place struct {
	channel string
	seq     uint64
}

type subscription struct{ subscriber, channel string }

type sent struct {
	channel, data string
	ttl           time.Duration
	ephemeral     bool
	at            time.Time
}

type delivered struct{ id, bytes string }

func newRecord(t *testing.T) *record {
	return &record{
		t: t, sent: make(map[string]sent), stored: make(map[place]string), seen: make(map[place]delivered),
		purged: make(map[string]uint64), acked: make(map[subscription]uint64), covered: make(map[subscription]map[uint64]bool),
	}
}

// sending notes a message before it is published.
func (r *record) sending(id string, s sent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent[id] = s
}

// answered notes the answer to a publish.
func (r *record) answered(id string, p place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if other, ok := r.stored[p]; ok && other != id {
		r.t.Errorf("%v was given to %s and to %s", p, other, id)
	}
	r.stored[p] = id
}

func (r *record) purging(channel string, upTo uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.purged[channel] = max(r.purged[channel], upTo)
}

// acking notes an ack before it is sent.
func (r *record) acking(s subscription, seq uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acked[s] = max(r.acked[s], seq)
}

// message checks one frame: everybody gets the same under one seq, and what was published.
func (r *record) message(who string, e historyEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.sent[e.MessageID]
	if !ok || s.channel != e.Channel || s.data != string(e.Data) || s.ephemeral != (e.Seq == 0) {
		r.t.Errorf("%s got %s, of which %+v was sent", who, e.raw, s)
		return
	}
	if e.Seq == 0 {
		return
	}
	p := place{e.Channel, e.Seq}
	if other, ok := r.seen[p]; ok && other.bytes != e.raw {
		r.t.Errorf("%s got %s where another got %s", who, e.raw, other.bytes)
	}
	r.seen[p] = delivered{e.MessageID, e.raw}
}

// gap checks that nothing is told as gone that is not.
func (r *record) gap(who string, e historyEvent, durable bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for seq := e.From; seq <= e.To; seq++ {
		s, known := r.sent[r.stored[place{e.Channel, seq}]]
		switch {
		case !known: // the answer to its publish was lost
		case e.Reason == "slow" && !durable:
		case e.Reason == "slow" || e.Reason == "epoch":
			r.t.Errorf("%s was told %s", who, e.raw)
		case histories[e.Channel] > 0, seq <= r.purged[e.Channel]:
		case s.ttl > 0 && time.Since(s.at) >= s.ttl:
		default:
			r.t.Errorf("%s was told %s, but %d was neither expired nor purged", who, e.raw, seq)
		}
	}
}

// opened checks where a durable subscription starts.
func (r *record) opened(s subscription, cursor uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cursor > r.acked[s] {
		r.t.Errorf("%v starts after %d; the newest ack was %d", s, cursor, r.acked[s])
	}
}

// cover notes that a durable subscriber knows what became of a range.
func (r *record) cover(s subscription, from, to uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.covered[s] == nil {
		r.covered[s] = make(map[uint64]bool)
	}
	for seq := from; seq <= to; seq++ {
		r.covered[s][seq] = true
	}
}

// verify holds the answers to publishes against what was delivered in the end.
func (r *record) verify(tails map[string]uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p, id := range r.stored {
		if got, ok := r.seen[p]; ok && got.id != id {
			r.t.Errorf("%v is %s to its publisher and %s to its subscribers", p, id, got.id)
		}
		if p.seq > tails[p.channel] {
			r.t.Errorf("%v was answered; the channel ends at %d", p, tails[p.channel])
		}
		for s, covered := range r.covered {
			if s.channel == p.channel && !covered[p.seq] {
				r.t.Errorf("%s neither got %v nor was told of it", s.subscriber, p)
			}
		}
	}
	r.t.Logf("%d messages stored, %d of them delivered to somebody, ends %v", len(r.stored), len(r.seen), tails)
}
