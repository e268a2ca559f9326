package admission

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// mostStrangers is how many sockets there may be at most on which nobody is known.
	mostStrangers = 1024
	// strangerLeast is what a stranger gets in any case: enough for TLS and the header of
	// a call. The shorter it is, the sooner it is a caller's turn when many strangers come.
	strangerLeast = time.Second
)

// Sockets bounds the sockets of a gRPC server. Half of them may be strangers': those on
// which nobody has shown yet who it is. When there are so many, no more are accepted until
// one goes; after a second the oldest is closed. So whoever connects and shows nothing can
// neither take all files nor shut out callers. The nil
// Sockets bounds nothing. Safe for concurrent use.
type Sockets struct {
	gate      *Gate
	strangers *Handshakes
	limit     int // of callers'

	mu      sync.Mutex
	callers int
}

// NewSockets bounds them to limit, strangers' and callers' together, but for one of each.
// Those that are refused or cut off are counted among the refusals of the gate.
func NewSockets(limit int, gate *Gate, registry prometheus.Registerer) *Sockets {
	strangers := min(max(limit/2, 1), mostStrangers)
	s := &Sockets{gate: gate, strangers: newHandshakes(strangers, gate, strangerLeast, Stranger), limit: max(limit-strangers, 1)}
	for who, count := range map[string]func() int{"strangers": s.strangers.count, "callers": s.count} {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "pushgate_grpc_sockets", Help: "Sockets of the gRPC listener, by whether somebody has shown there who it is: strangers or callers.",
			ConstLabels: prometheus.Labels{"whose": who},
		}, func() float64 { return float64(count()) }))
	}
	return s
}

func (s *Sockets) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.callers
}

// CloseStrangers closes the sockets on which nobody is known.
func (s *Sockets) CloseStrangers() {
	if s != nil {
		s.strangers.Close()
	}
}

// Listener accepts from l, as *Socket, while there is room for a stranger.
func (s *Sockets) Listener(l net.Listener) net.Listener {
	if s == nil {
		return l
	}
	return &socketListener{s.strangers.Listener(l), s}
}

type socketListener struct {
	net.Listener
	sockets *Sockets
}

// Accept waits for room, then for a socket.
func (l *socketListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &Socket{Conn: conn, sockets: l.sockets, settled: make(chan struct{})}, nil
}

// Socket is one of Sockets. The nil Socket is nobody's.
type Socket struct {
	net.Conn
	sockets *Sockets
	pace    pace

	identified atomic.Bool
	settled    chan struct{} // closed when it is a caller's, or closed
	// Guarded by the lock of sockets.
	over, caller bool
}

// Identify says that somebody on the socket has shown who it is. It answers why there
// is no place for one more; then the socket stays a stranger's. Twice is safe.
func (s *Socket) Identify() Reason {
	if s == nil || s.identified.Load() {
		return None
	}
	if !s.settle() {
		s.sockets.gate.refusals.add(Caller, parsePeer(s.RemoteAddr().String()))
		return Caller
	}
	s.sockets.strangers.End(s.Conn)
	return None
}

// settle makes the socket a caller's if there is a place.
func (s *Socket) settle() bool {
	s.sockets.mu.Lock()
	defer s.sockets.mu.Unlock()
	switch {
	case s.over || s.caller:
	case s.sockets.callers >= s.sockets.limit:
		return false
	default:
		s.sockets.callers++
		s.caller = true
		s.identified.Store(true)
		close(s.settled)
	}
	return true
}

// Read reads a stranger's bytes at the pace of strangers.
func (s *Socket) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if !s.identified.Load() {
		s.pace.wait(n, s.settled)
	}
	return n, err
}

// Close gives its place back. Twice is safe.
func (s *Socket) Close() error {
	s.leave()
	s.sockets.strangers.End(s.Conn)
	return s.Conn.Close()
}

func (s *Socket) leave() {
	s.sockets.mu.Lock()
	defer s.sockets.mu.Unlock()
	if s.over {
		return
	}
	s.over = true
	if s.caller {
		s.sockets.callers--
	} else {
		close(s.settled)
	}
}
