// Package front stands before net/http: it reads the requests of clients that want
// a WebSocket by itself, and leaves everybody else's to net/http.
//
// net/http keeps two buffers of 4 KiB for a connection, which a connection that is
// hijacked does not give back; with tens of thousands of clients at once that is
// most of what they cost. Here a request is read into a buffer that is used again.
//
// Only a request about which there is no doubt is read here: a GET of the one path
// in HTTP/1.1, with one Host, no body and no unusual byte. Nothing is decided about
// any other: it goes to net/http with every byte that was received, so it is
// answered as if this package were not there.
package front

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// Options are the settings of a Listener.
type Options struct {
	// Path is what clients upgrade at, as /ws.
	Path string
	// Handler answers these requests. Its ResponseWriter is an http.Hijacker; what is
	// not hijacked is closed after the answer.
	Handler http.Handler
	// MaxHead bounds a request's head in bytes; of longer ones net/http says so.
	MaxHead int
	// Timeout is how long a client may take for its head, and for reading an answer.
	Timeout time.Duration
	// Handshakes follows the sockets, if it is not nil.
	Handshakes Handshakes
	// Lost is told of connections that failed before their request was there, and how;
	// nil: nobody is.
	Lost func(net.Conn, error)
}

// Listener is the net.Listener for net/http: it accepts who is not answered here.
// It is safe for concurrent use.
type Listener struct {
	net.Listener
	options Options
	rest    chan net.Conn
	closed  chan struct{}
	once    sync.Once
	failure error // of Accept; set before failed is closed
	failed  chan struct{}
	running sync.WaitGroup

	mu      sync.Mutex
	reading map[net.Conn]struct{} // those whose request has not come
}

// Listen begins to accept from l, until Close.
func Listen(l net.Listener, o Options) *Listener {
	f := &Listener{
		Listener: l, options: o, rest: make(chan net.Conn),
		closed: make(chan struct{}), failed: make(chan struct{}), reading: make(map[net.Conn]struct{}),
	}
	f.running.Go(f.accept)
	return f
}

// Accept waits for somebody whose request is net/http's.
func (f *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-f.rest:
		return c, nil
	case <-f.failed:
		return nil, f.failure
	}
}

// Close closes the listener and whoever has not sent a request, and waits until
// the handlers have returned. Twice is safe.
func (f *Listener) Close() error {
	var err error
	f.once.Do(func() {
		f.mu.Lock()
		close(f.closed)
		for c := range f.reading {
			_ = c.Close()
		}
		f.mu.Unlock()
		err = f.Listener.Close()
	})
	f.running.Wait()
	return err
}

// The pauses after a failure that may pass, as when there are no files left.
const (
	firstPause = 5 * time.Millisecond
	maxPause   = time.Second
)

func (f *Listener) accept() {
	pause := firstPause
	for {
		c, err := f.Listener.Accept()
		if err == nil {
			pause = firstPause
			f.running.Go(func() { f.serve(c) })
			continue
		}
		if passing, ok := err.(interface{ Temporary() bool }); !ok || !passing.Temporary() {
			f.failure = err
			close(f.failed)
			return
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, maxPause)
		case <-f.closed:
		}
	}
}

// begin notes that the request of c is awaited; false after Close.
func (f *Listener) begin(c net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.closed:
		return false
	default:
		f.reading[c] = struct{}{}
		return true
	}
}

func (f *Listener) end(c net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.reading, c)
}

// serve reads a request's head and sees to it that it is answered.
func (f *Listener) serve(c net.Conn) {
	if !f.begin(c) {
		f.drop(c)
		return
	}
	// As net/http does, before anything else: with the PROXY protocol it waits for its header.
	from := c.RemoteAddr().String()
	h := newHead(f.options.Path)
	defer h.release()
	_ = c.SetDeadline(time.Now().Add(f.options.Timeout)) // TLS writes too
	err := h.read(c, f.options.MaxHead)
	f.end(c)
	if err != nil {
		if f.options.Lost != nil {
			f.options.Lost(c, err)
		}
		f.drop(c)
		return
	}
	_ = c.SetDeadline(time.Time{})
	if r := h.request(); r != nil {
		r.RemoteAddr = from
		f.answer(c, r, h.rest())
		return
	}
	f.pass(c, h.received())
}

// drop closes a connection of which nothing more is expected.
func (f *Listener) drop(c net.Conn) {
	if f.options.Handshakes != nil {
		f.options.Handshakes.End(c)
	}
	_ = c.Close()
}

// pass leaves a connection to net/http.
func (f *Listener) pass(c net.Conn, received []byte) {
	passed := again(c, received)
	if f.options.Handshakes != nil {
		f.options.Handshakes.Move(c, passed)
	}
	select {
	case f.rest <- passed:
	case <-f.closed:
		f.drop(passed)
	}
}
