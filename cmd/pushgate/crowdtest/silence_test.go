package crowdtest

import (
	"io"
	"net"
	"sync"
	"syscall"
	"testing"

	"pushgate/cmd/pushgate/pushgatetest"
)

// beats makes a node find out soon who is dead.
var beats = []string{"--heartbeat-interval=1s", "--heartbeat-timeout=1s"}

const silent = `pushgate_connection_ends_total{cause="pong_timeout",code="1001"}`

// hole is a network between clients and a node that can drop everything without
// a word.
type hole struct {
	listener net.Listener
	running  sync.WaitGroup
	mu       sync.Mutex
	conns    []net.Conn
	drops    chan struct{} // closed when it does
}

func newHole(t *testing.T, to string) *hole {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hole{listener: listener, drops: make(chan struct{})}
	h.running.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			h.mu.Lock()
			h.conns = append(h.conns, near, far)
			h.mu.Unlock()
			h.running.Go(func() { h.carry(near, far) })
			h.running.Go(func() { h.carry(far, near) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		h.mu.Lock()
		for _, c := range h.conns {
			_ = c.Close()
		}
		h.mu.Unlock()
		h.running.Wait()
	})
	return h
}

// carry copies one direction; once it drops, neither data nor an end passes.
func (h *hole) carry(to, from net.Conn) {
	buf := make([]byte, 4<<10)
	for {
		n, err := from.Read(buf)
		select {
		case <-h.drops:
			_, _ = io.Copy(io.Discard, from)
			return
		default:
		}
		if _, failed := to.Write(buf[:n]); err != nil || failed != nil {
			_ = to.Close()
			return
		}
	}
}

// Clients behind a network that falls silent are found; others do not notice.
func TestNetworkThatFallsSilent(t *testing.T) {
	const count = 100
	s := pushgatetest.Start(t, pushgatetest.Command{Args: beats})
	h := newHole(t, s.HTTP)
	other, err := join(s.HTTP, "channel=news", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.conn.Close() }()
	if err := other.greeted("connected", "subscribed"); err != nil {
		t.Fatal(err)
	}
	members := make([]*member, count)
	together(t, count, 10, func(i int) (err error) {
		if members[i], err = join(h.listener.Addr().String(), "channel=news", i, 0); err != nil {
			return err
		}
		return members[i].greeted("connected", "subscribed")
	})
	read := make(chan error, 1)
	const news = 20
	go func() { read <- other.messages(1, news) }() // answers pings, too
	publish(t, s, "news", 1, []byte(`1`))
	together(t, count, count, func(i int) error { return members[i].messages(1, 1) })
	close(h.drops)
	s.WaitMetric(silent, func(v float64) bool { return v == count })
	s.WaitMetric("pushgate_connections", func(v float64) bool { return v == 1 })
	publish(t, s, "news", news-1, []byte(`2`))
	if err := <-read; err != nil {
		t.Error(err)
	}
	for _, m := range members {
		_ = m.conn.Close()
	}
}

// A process that is frozen is found, and gets what it missed when it goes on.
func TestFrozenClient(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{Args: beats})
	c := pushgatetest.Launch(t, s.Command("subscribe", "news", "--subscriber=ada", "--from=earliest"))
	want := func(line string) {
		t.Helper()
		if got := c.Line(); got != line {
			t.Fatalf("got %q, want %q", got, line)
		}
	}
	s.Publish("news", "1")
	want("news 1 1")
	c.Signal(syscall.SIGSTOP)
	s.WaitMetric(silent, func(v float64) bool { return v == 1 })
	s.WaitMetric("pushgate_connections", func(v float64) bool { return v == 0 })
	s.Publish("news", "2")
	c.Signal(syscall.SIGCONT)
	want("news 2 2")
	s.Publish("news", "3")
	want("news 3 3")
}
