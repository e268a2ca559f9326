package push

import "sync"

// closedKept is how many connections that have ended a node remembers.
const closedKept = MaxPage

// closed remembers the connections that ended last, for whoever asks why. Safe
// for concurrent use.
type closed struct {
	mu    sync.Mutex
	views []ConnectionView // a ring once it is full
	next  int
}

func (c *closed) add(v ConnectionView) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.views) < closedKept {
		c.views = append(c.views, v)
		return
	}
	c.views[c.next] = v
	c.next = (c.next + 1) % closedKept
}

// newest lists those of a subscriber, or all if that is empty, the last first.
func (c *closed) newest(subscriber string) []ConnectionView {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []ConnectionView
	for i := range c.views {
		v := c.views[(c.next+len(c.views)-1-i)%len(c.views)]
		if subscriber == "" || v.Subscriber == subscriber {
			found = append(found, v)
		}
	}
	return found
}

func (c *closed) find(id string) (ConnectionView, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.views {
		if v.ID == id {
			return v, true
		}
	}
	return ConnectionView{}, false
}
