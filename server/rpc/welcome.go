package rpc

import (
	"context"
	"slices"
	"time"

	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"pushgate/push"
	"pushgate/push/wire"
)

// The bounds of calls that begin before it is known who makes them: those of methods for
// everybody, and those with tokens that cannot be verified at once.
const (
	maxUnproven       = 8                // under way on one connection
	maxWatches        = 4                // of them, streams of health
	knownShare        = 16               // times as many on one on which somebody is known
	maxStrangeWatches = 1024             // of all connections on which nobody is known
	arrivalTimeout    = 10 * time.Second // for their requests to be there
)

// unproven is a call whose caller is not known.
type unproven struct {
	over  <-chan struct{}
	watch bool
}

var (
	errUnproven = &push.Error{
		Code: wire.CodeResourceExhausted, RetryAfter: retrySpread,
		Message: "this connection has as many calls under way as may be before it is known who makes them",
	}
	errWatches = &push.Error{
		Code: wire.CodeResourceExhausted, RetryAfter: retrySpread,
		Message: "there are as many watches of health as there may be; use Check, or show who you are",
	}
)

// welcome lets in a call of somebody who is not known, while there are not too many.
func (s *Server) welcome(ctx context.Context, conn *socket, method string) (context.Context, error) {
	conn.unproven = slices.DeleteFunc(conn.unproven, func(u unproven) bool { return isClosed(u.over) })
	known, share := conn.identified.Load(), 1
	if known {
		share = knownShare // a proxy's, maybe, of many callers
	}
	if len(conn.unproven) >= share*maxUnproven {
		return ctx, errUnproven
	}
	u := unproven{over: ctx.Done(), watch: method == healthv1.Health_Watch_FullMethodName}
	counted := u.watch && !known
	if u.watch && watches(conn.unproven) >= share*maxWatches || counted && !s.watch(conn) {
		return ctx, errWatches
	}
	conn.unproven = append(conn.unproven, u)
	call := ctx
	ctx, cancel := context.WithCancel(call)
	late, stopped := time.AfterFunc(arrivalTimeout, cancel), context.AfterFunc(s.stopped, cancel)
	arrived := func() {
		late.Stop()
		stopped()
	}
	context.AfterFunc(call, func() {
		arrived()
		if counted {
			s.unwatch(conn)
		}
	})
	return context.WithValue(ctx, arrivedKey{}, arrived), nil
}

// watch counts one stream more of strangers, if there may be one.
func (s *Server) watch(conn *socket) bool {
	if s.watches.Add(1) > maxStrangeWatches {
		s.watches.Add(-1)
		return false
	}
	conn.watches.Add(1)
	return true
}

// unwatch counts one less, unless settle has.
func (s *Server) unwatch(conn *socket) {
	for n := conn.watches.Load(); n > 0; n = conn.watches.Load() {
		if conn.watches.CompareAndSwap(n, n-1) {
			s.watches.Add(-1)
			return
		}
	}
}

// settle makes a connection a caller's, if there is a place; what it watches is no
// stranger's from then on.
func (s *Server) settle(conn *socket) error {
	if conn.identified.Load() {
		return nil
	}
	if err := conn.identify(); err != nil {
		return err
	}
	s.watches.Add(-conn.watches.Swap(0))
	return nil
}

func watches(all []unproven) (n int) {
	for _, u := range all {
		if u.watch {
			n++
		}
	}
	return n
}

type arrivedKey struct{}

// arrived says that the request of a call is there, or not waited for any more.
func arrived(ctx context.Context) {
	if arrived, ok := ctx.Value(arrivedKey{}).(func()); ok {
		arrived()
	}
}
