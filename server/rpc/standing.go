package rpc

import (
	"context"
	"sync"
	"time"

	"pushgate/push"
	"pushgate/push/wire"
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

// standing says why a caller may not go on, if so. One without an identity has not had to
// show who it is; nil has not either.
func (s *Server) standing(ctx context.Context, c *call, now time.Time) error {
	switch {
	case c != nil && c.socket.lapsed(now):
		return errLapsed
	case c != nil && c.identity != nil:
		return c.identity.Standing(ctx, now)
	case s.options.Callers.Guarded():
		return errStranger
	}
	return nil
}

var errLapsed = &push.Error{Code: wire.CodeUnauthenticated, Message: "the certificate that this connection was made with has expired; connect again with another"}

var errStranger = &push.Error{Code: wire.CodeUnauthenticated, Message: "callers have to show who they are from now on; call again, with credentials"}

// look ends the streams whose callers may not go on, and says whether there are more.
func (l *streams) look(s *Server, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.all {
		if err := s.standing(context.Background(), c, now); err != nil {
			c.why = s.fail(context.Background(), err)
			close(c.over)
			delete(l.all, c)
		}
	}
	l.walking = len(l.all) > 0
	return l.walking
}
