package admission

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// handshakeLeast is what a handshake gets in any case: its request may be there
// and just not be read yet.
const handshakeLeast = 3 * time.Second

// Handshakes bounds the sockets of HTTP servers that are not connections: their
// request has not come, or is worked on, or they are kept alive for the next one.
// When there are as many as there may be, no more are accepted until one goes;
// after three seconds the oldest is closed. So clients that connect and say nothing
// can neither take all files nor shut others out.
type Handshakes struct {
	limit  int
	gate   *Gate
	least  time.Duration // that each gets
	reason Reason        // of those that are cut off

	mu      sync.Mutex
	pending map[net.Conn]*list.Element
	order   list.List     // of handshake, the oldest first
	room    chan struct{} // closed when one goes; nil when nobody waits for that
}

type handshake struct {
	socket net.Conn
	since  time.Time
}

// NewHandshakes bounds them to limit, which is positive. Those that are cut off
// are counted among the refusals of the gate; how many there are is told by registry
// if it is not nil.
func NewHandshakes(limit int, gate *Gate, registry prometheus.Registerer) *Handshakes {
	h := newHandshakes(limit, gate, handshakeLeast, Handshake)
	if registry == nil {
		return h
	}
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "pushgate_pending_handshakes", Help: "HTTP sockets that are not connections: their request has not come, is worked on, or may come as they are kept alive.",
	}, func() float64 { return float64(h.count()) }))
	return h
}

func newHandshakes(limit int, gate *Gate, least time.Duration, reason Reason) *Handshakes {
	return &Handshakes{limit: limit, gate: gate, least: least, reason: reason, pending: make(map[net.Conn]*list.Element)}
}

func (h *Handshakes) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.pending)
}

// Watch follows the sockets of a server that does not serve yet. Its listeners
// are to be wrapped by Listener.
func (h *Handshakes) Watch(s *http.Server) {
	s.ConnContext = h.Context
	s.ConnState = func(socket net.Conn, state http.ConnState) {
		switch state {
		case http.StateActive, http.StateIdle:
			h.begin(socket)
		case http.StateHijacked, http.StateClosed:
			h.End(socket)
		}
	}
}

// Context lets Arrived know the socket of a request.
func (h *Handshakes) Context(ctx context.Context, socket net.Conn) context.Context {
	return context.WithValue(ctx, arrivalKey{}, arrival{h, socket})
}

type arrivalKey struct{}

type arrival struct {
	handshakes *Handshakes
	socket     net.Conn
}

// Arrived says that what a request asks for has its place at the gate: its socket
// no longer counts among the handshakes.
func Arrived(ctx context.Context) {
	if a, ok := ctx.Value(arrivalKey{}).(arrival); ok {
		a.handshakes.End(a.socket)
	}
}

// begin puts a socket at the end of the order.
func (h *Handshakes) begin(socket net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e, ok := h.pending[socket]; ok {
		h.order.Remove(e)
	}
	h.pending[socket] = h.order.PushBack(handshake{socket, time.Now()})
}

// Move goes on with a socket under another name, at its place in the order.
func (h *Handshakes) Move(from, to net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, ok := h.pending[from]
	if !ok {
		return
	}
	delete(h.pending, from)
	e.Value = handshake{to, e.Value.(handshake).since}
	h.pending[to] = e
}

// Close closes all sockets that are not connections yet.
func (h *Handshakes) Close() {
	h.mu.Lock()
	var all []net.Conn
	for socket := range h.pending {
		all = append(all, bare(socket))
	}
	h.mu.Unlock()
	for _, socket := range all {
		_ = socket.Close()
	}
}

// End ends with a socket: it is a connection now, or gone.
func (h *Handshakes) End(socket net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remove(socket)
}

func (h *Handshakes) remove(socket net.Conn) {
	e, ok := h.pending[socket]
	if !ok {
		return
	}
	h.order.Remove(e)
	delete(h.pending, socket)
	if h.room != nil {
		close(h.room)
		h.room = nil
	}
}

// wait returns when there is room, for which it cuts off the oldest if it must;
// false when closed is closed.
func (h *Handshakes) wait(closed <-chan struct{}) bool {
	for {
		room, patience, oldest := h.look()
		if oldest != nil {
			h.gate.refusals.add(h.reason, parsePeer(oldest.RemoteAddr().String()))
			_ = oldest.Close()
			continue
		}
		if room == nil {
			return true
		}
		timer := time.NewTimer(patience)
		select {
		case <-room:
		case <-timer.C:
		case <-closed:
			timer.Stop()
			return false
		}
		timer.Stop()
	}
}

// look answers all zero when there is room; else the oldest socket, taken out, if
// its time is over, or what to wait for and how long.
func (h *Handshakes) look() (room <-chan struct{}, patience time.Duration, oldest net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.pending) < h.limit {
		return nil, 0, nil
	}
	first := h.order.Front().Value.(handshake)
	if patience = h.least - time.Since(first.since); patience <= 0 {
		h.remove(first.socket)
		return nil, 0, bare(first.socket)
	}
	if h.room == nil {
		h.room = make(chan struct{})
	}
	return h.room, patience, nil
}

// bare is the network's own connection: closing it, or asking it for its address,
// waits for nobody, as TLS and the PROXY protocol would.
func bare(socket net.Conn) net.Conn {
	for {
		switch wrapped := socket.(type) {
		case interface{ NetConn() net.Conn }:
			socket = wrapped.NetConn()
		case interface{ Raw() net.Conn }:
			socket = wrapped.Raw()
		default:
			return socket
		}
	}
}
