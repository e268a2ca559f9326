package ws

import (
	"sync"

	"pushgate/server/ws/poll"
)

// polled is the tier that keeps nothing for a connection but an entry in an epoll
// instance. A connection is armed, or somebody works on it, or it is closing; then
// it is with the waiters, whose wait ends at a deadline.
type polled struct {
	server  *Server
	waiters waiters
	poller  *poll.Poller[*conn]
	running sync.WaitGroup
}

// place is where a connection is in the tier. Guarded by its lock.
type place struct {
	token poll.Token
	known bool // to the poller
	armed bool
}

func newTier(s *Server) tier {
	w := waiters{s}
	if !s.options.Epoll {
		return w
	}
	poller, err := poll.New[*conn]()
	if err != nil {
		s.options.Logger.Warn("connections are waited for by goroutines: they take more memory", "error", err)
		return w
	}
	p := &polled{server: s, waiters: w, poller: poller}
	p.running.Go(func() { poller.Run(p.ready) })
	return p
}

func (p *polled) await(c *conn) {
	if !p.arm(c) {
		p.waiters.await(c)
	}
}

func (p *polled) arm(c *conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed || c.closeSent {
		return false
	}
	if !c.place.known {
		token, err := p.poller.Add(c.direct.fd, c)
		if err != nil {
			return false
		}
		c.place.token, c.place.known = token, true
	}
	c.place.armed = p.poller.Arm(c.direct.fd, c.place.token) == nil
	return c.place.armed
}

// ready is told by the poller that something has come.
func (p *polled) ready(c *conn) {
	c.mu.Lock()
	armed := c.place.armed
	c.place.armed = false
	c.mu.Unlock()
	if armed {
		p.server.readers.take(p.server, c)
	}
}

func (p *polled) closing(c *conn) {
	if c.place.armed {
		c.place.armed = false
		p.waiters.await(c)
	}
}

func (p *polled) leave(c *conn) {
	if c.place.armed {
		c.place.armed = false
		p.server.readers.take(p.server, c) // which finds out that it has ended
	}
	if c.place.known {
		p.poller.Remove(c.direct.fd, c.place.token)
		c.place.known = false
	}
}

func (p *polled) close() {
	_ = p.poller.Close()
	p.running.Wait()
}
