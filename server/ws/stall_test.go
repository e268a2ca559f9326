package ws_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections have no buffers and know no time but the
// bubble's.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	end   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.end.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// A client is closed when it has taken nothing for ten seconds, and not while it
// takes a little now and then.
func TestClientThatTakesNothingIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		n := start(t, narrow, func(s *setup) {
			s.listener, s.sendBuffer = l, 0
			s.SweepInterval, s.RetentionInterval = time.Hour, time.Hour
		})
		stalled, slow := rawOver(t, l.dial(), "subscriber=stalled&channel=a"), rawOver(t, l.dial(), "channel=a")
		for _, c := range []*rawClient{stalled, slow} {
			c.expect(opText, "connected")
			c.expect(opText, "subscribed")
		}
		for range 50 {
			n.publish("a", payload)
		}
		// Not through the client's own buffer: what that holds is no progress.
		if err := slow.conn.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		trickle := func() {
			if _, err := io.ReadFull(slow.conn, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(9 * time.Second)
		trickle()
		if n.ends(4408) != 0 {
			t.Fatal("closed before its time")
		}
		time.Sleep(2 * time.Second)
		if n.ends(4408) != 1 || n.engine.Sessions() != 1 {
			t.Fatalf("%d were closed, %d are left", n.ends(4408), n.engine.Sessions())
		}
		for range 10 {
			time.Sleep(8 * time.Second)
			trickle()
		}
		if n.ends(4408) != 1 {
			t.Error("the slow one was closed")
		}
		again := rawOver(t, l.dial(), "subscriber=stalled")
		again.expect(opText, "connected")
		for seq := range uint64(50) {
			if e := again.event(); e.Seq != seq+1 {
				t.Fatalf("got %+v", e)
			}
		}
	})
}
