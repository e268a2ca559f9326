package rpc

import (
	"context"
	"sync"
	"time"

	"pushgate/push"
	"pushgate/push/wire"
	"pushgate/server/auth/caller"
)

// streams are those under way. One goroutine looks whether their callers still may, as
// long as there are any.
type streams struct {
	mu      sync.Mutex
	all     map[*call]struct{}
	walking bool
}

// standingInterval is how long a caller that may not go on goes on at most.
const standingInterval = 500 * time.Millisecond

func (l *streams) add(s *Server, c *call) (remove func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[*call]struct{}{}
	}
	l.all[c] = struct{}{}
	if !l.walking && !s.isStopping() {
		l.walking = true
		s.readers.Go(func() { l.walk(s) })
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.all, c)
	}
}

func (l *streams) walk(s *Server) {
	tick := time.NewTicker(standingInterval)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			if !l.look(s, now) {
				return
			}
		case <-s.stopping:
			return
		}
	}
}

// standing says why a caller may not go on, if so; a nil one has not had to show who it
// is.
func (s *Server) standing(i *caller.Identity, now time.Time) error {
	if i != nil {
		return i.Standing(context.Background(), now)
	}
	if s.options.Callers.Guarded() {
		return errStranger
	}
	return nil
}

var errStranger = &push.Error{Code: wire.CodeUnauthenticated, Message: "callers have to show who they are from now on; call again, with credentials"}

// look ends the streams whose callers may not go on, and says whether there are more.
func (l *streams) look(s *Server, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.all {
		if err := s.standing(c.identity, now); err != nil {
			c.why = s.fail(context.Background(), err)
			close(c.over)
			delete(l.all, c)
		}
	}
	l.walking = len(l.all) > 0
	return l.walking
}
