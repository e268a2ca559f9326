package rpc

import (
	"sync"

	"pushgate/push"
	"pushgate/store"
)

// maxUnread is how many subscriptions' acks may wait for one watcher.
const maxUnread = 65_536

// unread holds the acks that a watcher was not sent yet: acks are cumulative, so
// of each subscription only the newest.
type unread struct {
	more chan struct{} // has a value when there is something to take

	mu     sync.Mutex
	list   []push.Delivery
	index  map[store.SubscriptionKey]int // in list
	lagged bool
}

func newUnread() *unread {
	return &unread{more: make(chan struct{}, 1), index: make(map[store.SubscriptionKey]int)}
}

// collect gathers what a watch yields until it ends. It never waits for the
// watcher, so that the engine never finds the watch full.
func (u *unread) collect(watch *push.Watch) {
	for d := range watch.C {
		if !u.add(d) {
			break
		}
	}
	u.end(watch.Lagged())
}

func (u *unread) add(d push.Delivery) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	key := store.SubscriptionKey{Subscriber: d.Subscriber, Channel: d.Channel}
	if i, ok := u.index[key]; ok {
		u.list[i] = d
		return true
	}
	if len(u.list) == maxUnread {
		u.lagged = true
		return false
	}
	u.index[key] = len(u.list)
	u.list = append(u.list, d)
	u.signal()
	return true
}

func (u *unread) end(lagged bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.lagged = u.lagged || lagged
	u.signal()
}

func (u *unread) signal() {
	select {
	case u.more <- struct{}{}:
	default:
	}
}

// take removes everything, and says whether the watch has ended because it
// could not keep up.
func (u *unread) take() (list []push.Delivery, lagged bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	list, u.list = u.list, nil
	clear(u.index)
	return list, u.lagged
}
