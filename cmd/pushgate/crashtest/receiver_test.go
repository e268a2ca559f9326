package crashtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"pushgate/cmd/pushgate/pushgatetest"
)

// receiver is a durable subscriber that comes back whenever it is cut off. It
// checks what it gets: on one connection, each seq follows the one before or a
// gap; over all of them, a seq is always the same message.
type receiver struct {
	t      *testing.T
	name   string
	random *rand.Rand
	// patient: it comes back when it is told to, not much sooner.
	patient bool
	*news

	lock     sync.Mutex
	address  string
	socket   *websocket.Conn
	seen     map[place]delivery
	ids      map[string]place
	next     map[string]uint64 // the first seq that is missing, by channel
	acked    map[string]uint64
	connects int
	gaps     []frame
	endings  []ending
	returned []time.Time // when it had connected again
}

type delivery struct{ id, data string }

// ending is how a connection ended.
type ending struct {
	closing frame
	code    websocket.StatusCode
}

// unackedLimit keeps a receiver from standing still with a full window.
const unackedLimit = 100

// reconnectPause is much less than a client should wait.
const reconnectPause = 10 * time.Millisecond

// follow starts a receiver of a subscriber's stored subscriptions; it ends with
// the test.
func follow(t *testing.T, address, name string, random *rand.Rand) *receiver {
	t.Helper()
	r := newReceiver(t, address, name, random)
	r.start()
	return r
}

func newReceiver(t *testing.T, address, name string, random *rand.Rand) *receiver {
	return &receiver{
		t: t, name: name, random: random, news: newNews(), address: address,
		seen: make(map[place]delivery), ids: make(map[string]place),
		next: make(map[string]uint64), acked: make(map[string]uint64),
	}
}

func (r *receiver) start() {
	ctx, cancel := context.WithCancel(r.t.Context())
	var running sync.WaitGroup
	running.Go(func() { r.run(ctx) })
	r.t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

func (r *receiver) run(ctx context.Context) {
	for ctx.Err() == nil {
		r.lock.Lock()
		address := r.address
		r.lock.Unlock()
		c, err := connect(ctx, r.t, address+"?subscriber="+url.QueryEscape(r.name), nil)
		if err == nil {
			r.note(func() { r.socket = c.socket })
			err = r.connection(ctx, c)
			_ = c.socket.CloseNow()
		}
		if problem, ok := err.(*violation); ok && ctx.Err() == nil {
			r.t.Errorf("%s: %v", r.name, problem)
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(r.pause()):
		}
	}
}

// pause is how long it stays away.
func (r *receiver) pause() time.Duration {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.patient && len(r.endings) > 0 && len(r.endings) == r.connects {
		return max(reconnectPause, time.Duration(r.endings[len(r.endings)-1].closing.RetryAfter)*time.Millisecond)
	}
	return reconnectPause
}

// violation is something that the protocol does not allow.
type violation struct{ text string }

func (v *violation) Error() string { return v.text }

func violated(format string, args ...any) error { return &violation{fmt.Sprintf(format, args...)} }

// connection works on the frames of one connection.
func (r *receiver) connection(ctx context.Context, c *client) error {
	at := make(map[string]uint64)
	var closing frame
	for first := true; ; first = false {
		f, err := c.read(ctx)
		if err != nil {
			r.note(func() { r.endings = append(r.endings, ending{closing, websocket.CloseStatus(err)}) })
			return err
		}
		if first != (f.Type == "connected") {
			return violated("%s is not where it belongs", f.Type)
		}
		switch f.Type {
		case "connected":
			err = r.connected(f, at)
		case "message":
			err = r.message(ctx, c, f, at)
		case "gap":
			err = r.gap(f, at)
		case "closing":
			closing = f
		default:
			err = violated("got %+v", f)
		}
		if err != nil {
			return err
		}
	}
}

func (r *receiver) note(change func()) {
	r.lock.Lock()
	change()
	r.lock.Unlock()
	r.tell()
}

func (r *receiver) connected(f frame, at map[string]uint64) (err error) {
	r.note(func() {
		r.connects++
		if r.connects > 1 {
			r.returned = append(r.returned, time.Now())
		}
		for _, s := range f.Subscriptions {
			at[s.Channel] = s.Cursor
			if s.Cursor > r.acked[s.Channel] {
				err = violated("the cursor of %s is %d, but only %d was acked", s.Channel, s.Cursor, r.acked[s.Channel])
			}
		}
	})
	return err
}

func (r *receiver) message(ctx context.Context, c *client, f frame, at map[string]uint64) (err error) {
	position, open := at[f.Channel]
	if !open || f.Seq != position+1 {
		return violated("%s: seq %d came after %d", f.Channel, f.Seq, position)
	}
	at[f.Channel] = f.Seq
	ack := false
	r.note(func() {
		p, d := place{f.Channel, f.Seq}, delivery{f.MessageID, string(f.Data)}
		if before, again := r.seen[p]; again && before != d {
			err = violated("%v was message %q, and is %q now", p, before.id, d.id)
		}
		if before, again := r.ids[d.id]; again && before != p {
			err = violated("message %q was %v, and is %v now", d.id, before, p)
		}
		r.seen[p], r.ids[d.id] = d, p
		r.advance(f.Channel, f.Seq, f.Seq)
		ack = r.random.IntN(10) == 0 || f.Seq >= r.acked[f.Channel]+unackedLimit
		if ack {
			r.acked[f.Channel] = max(r.acked[f.Channel], f.Seq)
		}
	})
	if err == nil && ack {
		err = c.write(ctx, map[string]any{"type": "ack", "channel": f.Channel, "seq": f.Seq})
	}
	return err
}

func (r *receiver) gap(f frame, at map[string]uint64) error {
	if f.From != at[f.Channel]+1 || f.To < f.From {
		return violated("%s: gap from %d to %d came after %d", f.Channel, f.From, f.To, at[f.Channel])
	}
	at[f.Channel] = f.To
	r.note(func() {
		r.gaps = append(r.gaps, f)
		r.advance(f.Channel, f.From, f.To)
	})
	return nil
}

// advance moves the first missing seq over what came.
func (r *receiver) advance(channel string, from, to uint64) {
	missing := max(r.next[channel], 1)
	if from <= missing && missing <= to {
		r.next[channel] = to + 1
	}
}

// waitFor waits until everything up to seq has come.
func (r *receiver) waitFor(channel string, seq uint64) {
	r.t.Helper()
	next := func() uint64 {
		r.lock.Lock()
		defer r.lock.Unlock()
		return r.next[channel]
	}
	r.wait(r.t, func() bool { return next() > seq },
		func() string { return fmt.Sprintf("%s waits for %s %d; it ends at %d", r.name, channel, next(), seq) })
}

// waitConnected waits until it has connected so often.
func (r *receiver) waitConnected(want int) {
	r.t.Helper()
	r.wait(r.t, func() bool { return r.times() >= want },
		func() string {
			return fmt.Sprintf("%s connected %d times within %s, want %d", r.name, r.times(), pushgatetest.Patience, want)
		})
}

func (r *receiver) times() int {
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.connects
}

// moveTo makes it connect elsewhere the next time.
func (r *receiver) moveTo(address string) { r.note(func() { r.address = address }) }

// drop cuts its connection off.
func (r *receiver) drop() {
	r.note(func() {
		if r.socket != nil {
			_ = r.socket.CloseNow()
		}
	})
}

// missed says whether a gap covers a place. The lock is held.
func (r *receiver) missed(at place) bool {
	return slices.ContainsFunc(r.gaps, func(g frame) bool {
		return g.Channel == at.channel && g.From <= at.seq && at.seq <= g.To
	})
}

// noGaps fails the test if it was told of a gap.
func (r *receiver) noGaps() {
	r.t.Helper()
	r.lock.Lock()
	defer r.lock.Unlock()
	if len(r.gaps) > 0 {
		r.t.Errorf("%s got gaps: %+v", r.name, r.gaps)
	}
}
