package push

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"pushgate/push/wire"
	"pushgate/store"
)

// SessionInfo is what a session's transport knows of its client.
type SessionInfo struct {
	RemoteAddress string
	UserAgent     string
	Protocol      string // "websocket" or "grpc"
}

// Session is the server side of one connection: its subscriptions and its
// outbox. The transport gives it the client's requests by Handle and
// HandleFrame, from one goroutine and in order, sends what Drain yields, and
// calls Detach when the connection is gone. Everything else may be called from
// any goroutine.
type Session struct {
	id         string
	subscriber string // set by the handling goroutine, under the lock
	info       SessionInfo
	started    time.Time
	door       *door // nil: the client may do everything
	consent    Consent
	engine     *Engine
	hub        *hub
	wake       func()

	// Used by the handling goroutine only.
	intake    intake
	malformed uint8 // frames in a row that were not JSON objects

	ending    atomic.Int64 // since when it is closing, in Unix nanoseconds; 0: it is not
	roundTrip atomic.Int64 // of the last ping in nanoseconds; 0: not measured yet

	state         State // guarded by mu, as all that follows
	scheduled     bool  // wake was called and the outbox was not empty since
	greeted       bool  // the connected frame is queued
	mu            sync.Mutex
	since         int64 // when the state was entered, in Unix nanoseconds
	active        int64 // when a frame passed last, in either direction
	out           outbox
	subscriptions opened
	stalled       []*subscription // they wait for the outbox to drain
	drained       chan struct{}   // closed when there is room again; nil when nobody waits
	end           *End
	adopted       []store.Subscription // what backends created before it was greeted
	publishing    *publishing          // made by the first publish
	sent          traffic              // frames handed to the transport
	received      traffic              // requests of the client
}

// traffic counts frames and their bytes.
type traffic struct{ frames, bytes uint64 }

// ID is the connection's id, unique over all nodes and times.
func (s *Session) ID() string { return s.id }

// Subscriber is the durable identity, "" if the client has none, or none yet.
func (s *Session) Subscriber() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.subscriber
}

// push queues a frame and wakes the transport. The session's lock is held.
// After the closing frame nothing follows.
func (s *Session) push(f *wire.Frame) {
	if s.over() {
		return
	}
	s.out.push(f)
	s.hub.outboxes.follow(&s.out)
	s.stir()
	if !s.scheduled {
		s.scheduled = true
		s.wake()
	}
}

// send queues a frame of the server's own.
func (s *Session) send(e wire.Event) {
	frame := wire.Encode(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.push(frame)
}

// full: nothing is put into the outbox for its subscriptions until it drains.
func (s *Session) full() bool { return s.hub.outboxes.full(&s.out) }

func (s *Session) over() bool { return s.state >= Closing }

// sample notes when the oldest live message in the outbox was published.
func (s *Session) sample(born time.Time) {
	if s.out.born.IsZero() {
		s.out.born = born
	}
}

// Drain appends queued frames to dst until it holds limit bytes, at least one
// frame. It answers the rest as more; end is set once everything was taken and
// the session has ended: the transport closes then. While more is true the
// transport must come again by itself; otherwise it is woken.
//
// forms says in which form the connection gets its frames; nil: as Frame.Bytes.
func (s *Session) Drain(dst []byte, limit int, forms Forms) (out []byte, more bool, end *End) {
	more, end = s.drain(func(f *wire.Frame) (size int) {
		if len(dst) >= limit {
			return 0
		}
		bytes := f.Bytes
		if forms != nil {
			bytes = forms.Form(f)
		}
		if bytes == nil {
			s.out.ahead(forms)
		}
		dst = append(dst, bytes...)
		return len(bytes)
	})
	return dst, more, end
}

// DrainFrames is Drain for a transport that does not speak WebSocket.
func (s *Session) DrainFrames(dst []*wire.Frame, limit int) (out []*wire.Frame, more bool, end *End) {
	bytes := 0
	more, end = s.drain(func(f *wire.Frame) (size int) {
		if bytes >= limit {
			return 0
		}
		dst = append(dst, f)
		bytes += len(f.Bytes)
		return len(f.Bytes)
	})
	return dst, more, end
}

// drain offers the queued frames in order; take answers how many bytes it took of
// one, and with 0 ends it.
func (s *Session) drain(take func(*wire.Frame) (size int)) (more bool, end *End) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out.hold(0)
	before := s.sent.frames
	for !s.out.empty() {
		size := take(s.out.first())
		if size == 0 {
			break
		}
		s.out.pop()
		s.sent.frames++
		s.sent.bytes += uint64(size)
	}
	if s.sent.frames > before {
		s.drainedNow()
	}
	s.hub.outboxes.follow(&s.out)
	if s.hub.outboxes.roomy(&s.out) {
		s.resume()
	}
	if !s.out.empty() {
		return true, nil
	}
	s.scheduled = false
	return false, s.end
}

// drainedNow notes the time at which frames went out.
func (s *Session) drainedNow() {
	now := time.Now()
	s.active = now.UnixNano()
	if !s.out.born.IsZero() {
		s.hub.metrics.latency.Observe(now.Sub(s.out.born).Seconds())
		s.out.born = time.Time{}
	}
}

// Hold says how many bytes of what Drain has yielded the transport could not
// write yet: they count as queued until it drains again.
func (s *Session) Hold(bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out.hold(bytes)
	s.hub.outboxes.follow(&s.out)
}

// resume goes on with what waited for room in the outbox.
func (s *Session) resume() {
	for _, sub := range s.stalled {
		sub.stalled = false
		sub.tellLost()
		if sub.state == awaitingRoom {
			sub.state = catchingUp
			s.hub.backlog.add(sub)
		}
	}
	s.stalled = s.stalled[:0]
	if s.drained != nil {
		close(s.drained)
		s.drained = nil
	}
}

// ready blocks while the outbox is full: who does not read is not read from. It
// says false when the session is over, or ctx.
func (s *Session) ready(ctx context.Context) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.full() && !s.over() {
		if s.drained == nil {
			s.drained = make(chan struct{})
		}
		drained := s.drained
		s.mu.Unlock()
		select {
		case <-drained:
		case <-ctx.Done():
		}
		s.mu.Lock()
		if ctx.Err() != nil {
			return false
		}
	}
	return !s.over()
}

func (s *Session) leaveAll() {
	for _, sub := range s.openOnes() {
		s.close(sub)
	}
}

// openOnes lists the open subscriptions.
func (s *Session) openOnes() []*subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := make([]*subscription, 0, s.subscriptions.count())
	for sub := range s.subscriptions.all() {
		open = append(open, sub)
	}
	return open
}

// close ends one subscription of the session, and tells its client by the given frames.
func (s *Session) close(sub *subscription, announce ...*wire.Frame) (closed bool) {
	if !sub.channel.leave(sub, announce...) {
		return false
	}
	s.hub.metrics.subscriptions.Dec()
	s.hub.release(sub.channel)
	return true
}

// open answers the open subscription to a channel, or nil.
func (s *Session) open(channel string) *subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.subscriptions.of(channel)
}
