package push

import (
	"sync"
	"sync/atomic"
	"time"

	"pushgate/store"
)

// Delivery is a cursor that moved: the subscriber has handled everything in the
// channel up to Seq, and the store knows it.
type Delivery struct {
	Channel    string
	Subscriber string
	Seq        uint64
	Time       time.Time
}

// watchBuffer is how many deliveries one watcher may be behind.
const watchBuffer = 4096

// Watch yields deliveries as they are recorded on this node.
type Watch struct {
	// C is closed when the watch ends; Lagged says whether it was too slow.
	C       <-chan Delivery
	deliver chan Delivery
	channel string
	subject string
	lagged  atomic.Bool
	owner   *watchers
}

// Lagged says that the watcher did not keep up and its watch was ended.
func (w *Watch) Lagged() bool { return w.lagged.Load() }

// Close ends the watch; twice is safe.
func (w *Watch) Close() { w.owner.remove(w) }

type watchers struct {
	mu  sync.Mutex
	all map[*Watch]struct{}
}

// add begins a watch; empty names match everything.
func (ws *watchers) add(channel, subscriber string) *Watch {
	c := make(chan Delivery, watchBuffer)
	w := &Watch{C: c, deliver: c, channel: channel, subject: subscriber, owner: ws}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.all == nil {
		ws.all = make(map[*Watch]struct{})
	}
	ws.all[w] = struct{}{}
	return w
}

func (ws *watchers) remove(w *Watch) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if _, ok := ws.all[w]; ok {
		delete(ws.all, w)
		close(w.deliver)
	}
}

// acked tells every watcher of cursors that were written. One that is full is
// ended rather than waited for.
func (ws *watchers) acked(list []store.Cursor, now time.Time) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.all {
		for _, c := range list {
			if w.channel != "" && w.channel != c.Channel || w.subject != "" && w.subject != c.Subscriber {
				continue
			}
			select {
			case w.deliver <- Delivery{Channel: c.Channel, Subscriber: c.Subscriber, Seq: c.Seq, Time: now}:
				continue
			default:
			}
			w.lagged.Store(true)
			delete(ws.all, w)
			close(w.deliver)
			break
		}
	}
}

// WatchDeliveries begins a watch of cursors that move on this node; empty names
// match everything. The caller closes it.
func (e *Engine) WatchDeliveries(channel, subscriber string) *Watch {
	return e.watchers.add(channel, subscriber)
}
