package admission_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pushgate/server/admission"
)

// lobby is a listener with Sockets, in a bubble of its own time. What is accepted is read from
// until it ends.
type lobby struct {
	*gate
	wire     chan net.Conn
	closed   chan struct{}
	listener net.Listener
	accepted chan *admission.Socket
	serving  sync.WaitGroup
}

func newLobby(t *testing.T, limit int) *lobby {
	l := &lobby{gate: newGate(t, admission.Limits{}), wire: make(chan net.Conn), closed: make(chan struct{}), accepted: make(chan *admission.Socket, 100)}
	l.listener = admission.NewSockets(limit, l.Gate, l.registry).Listener(l)
	l.serving.Go(func() {
		for {
			c, err := l.listener.Accept()
			if err != nil {
				return
			}
			s := c.(*admission.Socket)
			l.serving.Go(func() {
				_, _ = io.Copy(io.Discard, s)
				_ = s.Close()
			})
			l.accepted <- s
		}
	})
	t.Cleanup(func() {
		_ = l.listener.Close()
		l.serving.Wait()
	})
	return l
}

// Accept is part of net.Listener.
func (l *lobby) Accept() (net.Conn, error) {
	select {
	case c := <-l.wire:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close is part of net.Listener.
func (l *lobby) Close() error {
	close(l.closed)
	return nil
}

// Addr is part of net.Listener.
func (l *lobby) Addr() net.Addr { return nil }

// come connects, and answers the socket when it was accepted.
func (l *lobby) come() (net.Conn, *admission.Socket) {
	mine, theirs := net.Pipe()
	l.t.Cleanup(func() { _ = mine.Close() })
	l.wire <- theirs
	return mine, <-l.accepted
}

func (l *lobby) sockets(whose string) int {
	synctest.Wait()
	return int(l.metric("pushgate_grpc_sockets", whose))
}

// Strangers make room for those who come after them, callers do not.
func TestStrangersMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLobby(t, 6) // 3 strangers
		caller, place := l.come()
		if reason := place.Identify(); reason != admission.None {
			t.Fatalf("the caller is refused: %s", reason)
		}
		var strangers []net.Conn
		for range 3 {
			c, _ := l.come()
			strangers = append(strangers, c)
		}
		if n := l.sockets("strangers"); n != 3 {
			t.Errorf("%d strangers, want 3", n)
		}
		began := time.Now()
		_, next := l.come()
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("the next one waited %v, want as long as a stranger has in any case", waited)
		}
		if reason := next.Identify(); reason != admission.None {
			t.Errorf("a caller after strangers is refused: %s", reason)
		}
		if _, err := strangers[0].Read(make([]byte, 1)); err == nil || l.refused(admission.Stranger) == 0 {
			t.Errorf("the oldest stranger reads %v, %d are counted", err, l.refused(admission.Stranger))
		}
		if _, err := caller.Write([]byte("x")); err != nil {
			t.Errorf("the caller is gone: %v", err)
		}
		if n := l.sockets("callers"); n != 2 {
			t.Errorf("%d callers, want 2", n)
		}
	})
}

// Callers have their bound, and give their places back.
func TestPlacesOfCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLobby(t, 8) // 4 strangers, 4 callers
		var last net.Conn
		for range 4 {
			var place *admission.Socket
			last, place = l.come()
			for range 2 { // twice is safe
				if reason := place.Identify(); reason != admission.None {
					t.Fatalf("refused: %s", reason)
				}
			}
		}
		_, next := l.come()
		if reason := next.Identify(); reason != admission.Caller || l.refused(admission.Caller) != 1 {
			t.Errorf("the fifth caller is answered %q, %d are counted", reason, l.refused(admission.Caller))
		}
		if n := l.sockets("strangers"); n != 1 {
			t.Errorf("%d strangers, want the one without a place", n)
		}
		_ = last.Close()
		if n := l.sockets("callers"); n != 3 {
			t.Errorf("%d callers, want 3", n)
		}
		if reason := next.Identify(); reason != admission.None {
			t.Errorf("with a place again it is refused: %s", reason)
		}
	})
}

// What strangers send is read slowly, so little of it is there at a time.
func TestPaceOfStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLobby(t, 12)
		send := func(c net.Conn, kibibytes int) time.Duration {
			t.Helper()
			began := time.Now()
			for range kibibytes {
				if _, err := c.Write(make([]byte, 1<<10)); err != nil {
					t.Fatal(err)
				}
			}
			return time.Since(began)
		}
		c, place := l.come()
		if took := send(c, 256); took > 0 {
			t.Errorf("what a handshake may need took %v", took)
		}
		if took := send(c, 1024); took < time.Minute {
			t.Errorf("a mebibyte of a stranger took %v", took)
		}
		_ = place.Identify()
		if took := send(c, 1024); took > 0 {
			t.Errorf("a mebibyte of a caller took %v", took)
		}
	})
}

func TestNoBoundOfSockets(t *testing.T) {
	var none *admission.Sockets
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var nobodys *admission.Socket
	if none.Listener(l) != l || nobodys.Identify() != admission.None {
		t.Error("nothing bounds something")
	}
}
