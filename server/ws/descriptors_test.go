//go:build unix

package ws_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"pushgate/push"
)

// While connections come and go and messages are published, other parts of the
// process open descriptors, which get the numbers of those that were closed. Nothing
// of ours is ever written into them, and nothing is read out of them.
func TestDescriptorsAreNotUsedAfterClose(t *testing.T) {
	const stay = 2 * time.Second
	n := start(t)
	end := time.Now().Add(stay)
	var group sync.WaitGroup
	group.Go(func() {
		for i := 0; time.Now().Before(end); i++ {
			if _, err := n.engine.Publish(t.Context(), push.Publication{Channel: "live:a", Data: fmt.Appendf(nil, "%d", i), Ephemeral: true}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for w := range 6 {
		group.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			for time.Now().Before(end) {
				if err := n.comeAndGo(r); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Go(func() {
		for time.Now().Before(end) {
			n.engine.EachSession(func(s *push.Session) { s.End(push.Draining()) })
			time.Sleep(5 * time.Millisecond)
		}
	})
	looked := 0
	for w := range 4 {
		group.Go(func() {
			for time.Now().Before(end) {
				if err := foreign(); err != nil {
					t.Error(err)
					return
				}
				if w == 0 {
					looked++
				}
			}
		})
	}
	group.Wait()
	if looked == 0 {
		t.Error("no descriptor was looked at")
	}
}

// comeAndGo connects, sends something, and leaves in one of the ways there are.
func (n *node) comeAndGo(r *rand.Rand) error {
	bare, err := net.Dial("tcp", n.http.Listener.Addr().String())
	if err != nil {
		return err
	}
	c := n.over(bare)
	defer func() { _ = c.Close() }()
	_, err = fmt.Fprint(c, "GET /ws?channel=live:a HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	if err != nil {
		return err
	}
	buffer := make([]byte, 4<<10)
	for range r.IntN(5) {
		if _, err := c.Read(buffer); err != nil {
			return nil // the server may have sent it away
		}
	}
	switch r.IntN(4) {
	case 0:
		_, _ = c.Write(masked(opClose, "\x03\xe8"))
	case 1:
		_ = bare.(*net.TCPConn).SetLinger(0) // a reset
	case 2:
		_, _ = c.Write([]byte{0xff, 0xff, 0xff})
	}
	return nil
}

// foreign holds pairs of sockets for a moment, and looks whether anything but its
// own comes out of them.
func foreign() error {
	const pairs, own = 16, "own"
	var fds []int
	defer func() {
		for _, fd := range fds {
			_ = syscall.Close(fd)
		}
	}()
	for range pairs {
		pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		fds = append(fds, pair[0], pair[1])
		for _, fd := range pair {
			if _, err := syscall.Write(fd, []byte(own)); err != nil {
				return err
			}
		}
	}
	time.Sleep(time.Millisecond)
	buffer := make([]byte, 64<<10)
	for _, fd := range fds {
		got, err := syscall.Read(fd, buffer)
		if err != nil {
			return fmt.Errorf("what was written into a descriptor is gone: %w", err)
		}
		if string(buffer[:got]) != own {
			return fmt.Errorf("somebody wrote %.200q into a descriptor that is not theirs", buffer[:got])
		}
		if more, err := syscall.Read(fd, buffer); !errors.Is(err, syscall.EAGAIN) {
			return fmt.Errorf("somebody wrote %.200q into a descriptor that is not theirs, or closed it: %w", buffer[:max(more, 0)], err)
		}
	}
	return nil
}
