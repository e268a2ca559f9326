//go:build linux

package poll_test

import (
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"pushgate/server/ws/poll"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// pair is a socket and its peer.
func pair(t *testing.T) (near, far int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fds[0], fds[1]
}

func send(t *testing.T, fd int) {
	t.Helper()
	if _, err := unix.Write(fd, []byte("x")); err != nil {
		t.Fatal(err)
	}
}

// running is a poller whose events are in a channel.
func running(t *testing.T) (*poll.Poller[int], <-chan int) {
	t.Helper()
	p, err := poll.New[int]()
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan int, 1000)
	var group sync.WaitGroup
	group.Go(func() { p.Run(func(i int) { events <- i }) })
	t.Cleanup(func() {
		_ = p.Close()
		group.Wait()
	})
	return p, events
}

func expect(t *testing.T, events <-chan int, want int) {
	t.Helper()
	select {
	case got := <-events:
		if got != want {
			t.Fatalf("an event of %d, not of %d", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("no event of %d", want)
	}
}

// An event comes once for each time that a socket is armed, also for what was there
// before, and for an end.
func TestOneEvent(t *testing.T) {
	p, events := running(t)
	near, far := pair(t)
	token, err := p.Add(near, 1)
	if err != nil {
		t.Fatal(err)
	}
	send(t, far) // nobody has asked
	witness, far2 := pair(t)
	other, err := p.Add(witness, 2)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		send(t, far2)
		if err := p.Arm(witness, other); err != nil {
			t.Fatal(err)
		}
		expect(t, events, 2) // and none of the first
	}
	for range 3 {
		if err := p.Arm(near, token); err != nil {
			t.Fatal(err)
		}
		expect(t, events, 1)
	}
	_, _ = unix.Read(near, make([]byte, 100))
	if err := p.Arm(near, token); err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(far)
	expect(t, events, 1)
	for _, fd := range []int{near, witness, far2} {
		_ = unix.Close(fd)
	}
}

// Who has left gets no event, and whoever has its slot and its number after it gets
// none of its.
func TestTokens(t *testing.T) {
	p, events := running(t)
	for i := range 200 {
		near, far := pair(t)
		token, err := p.Add(near, i)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Arm(near, token); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			p.Remove(near, token)
			send(t, far)
			_ = unix.Close(near)
			_ = unix.Close(far)
			continue
		}
		send(t, far)
		expect(t, events, i)
		p.Remove(near, token)
		_ = unix.Close(near)
		_ = unix.Close(far)
	}
}

// Many sockets at once, more than events are taken at a time.
func TestMany(t *testing.T) {
	const n = 500
	p, events := running(t)
	seen := make(map[int]bool)
	var fars []int
	for i := range n {
		near, far := pair(t)
		defer func() {
			_ = unix.Close(near)
			_ = unix.Close(far)
		}()
		token, err := p.Add(near, i)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Arm(near, token); err != nil {
			t.Fatal(err)
		}
		fars = append(fars, far)
	}
	for _, far := range fars {
		send(t, far)
	}
	deadline := time.After(patience)
	for len(seen) < n {
		select {
		case i := <-events:
			if seen[i] {
				t.Fatalf("two events of %d", i)
			}
			seen[i] = true
		case <-deadline:
			t.Fatalf("%d of %d events", len(seen), n)
		}
	}
}
