//go:build linux

// Package poll waits for many sockets at once without a goroutine for each, by an
// epoll instance (epoll(7)).
//
// The rules that keep it right:
//
//   - A socket is known by a token, not by its descriptor, whose number the system
//     gives to another as soon as it is closed. A token is a slot and how often the
//     slot was used, so an event of a socket that has left finds nobody.
//   - A socket is armed for one event (EPOLLONESHOT). Until it is armed again nothing
//     comes of it, so two never work on it. Whoever arms it has nothing left to read
//     in memory: what was read already wakes nobody.
//   - Add, Arm and Remove are called while the descriptor is open for certain: under
//     the lock under which it is closed.
//   - The epoll instance itself is waited on by Go's poller: it costs no thread.
package poll

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Token stands for a socket between Add and Remove.
type Token uint64

// Poller tells of sockets that have something to read, have ended or have failed.
// It is safe for concurrent use.
type Poller[T any] struct {
	file *os.File
	raw  syscall.RawConn
	fd   int

	mu    sync.Mutex
	slots []slot[T]
	free  []uint32
}

type slot[T any] struct {
	value T
	uses  uint32
	used  bool
}

// New makes a Poller; Close ends it.
func New[T any]() (*Poller[T], error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making an epoll instance: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // for Go's poller
		return nil, errors.Join(fmt.Errorf("making an epoll instance: %w", err), unix.Close(fd))
	}
	p := &Poller[T]{file: os.NewFile(uintptr(fd), "epoll"), fd: fd}
	if p.raw, err = p.file.SyscallConn(); err != nil {
		return nil, errors.Join(fmt.Errorf("making an epoll instance: %w", err), p.file.Close())
	}
	return p, nil
}

// Add makes a socket known. It is not armed yet.
func (p *Poller[T]) Add(fd int, value T) (Token, error) {
	p.mu.Lock()
	index := uint32(len(p.slots))
	if last := len(p.free) - 1; last >= 0 {
		index, p.free = p.free[last], p.free[:last]
	} else {
		p.slots = append(p.slots, slot[T]{})
	}
	s := &p.slots[index]
	s.value, s.used = value, true
	t := token(index, s.uses)
	p.mu.Unlock()
	if err := p.control(unix.EPOLL_CTL_ADD, fd, t, 0); err != nil {
		p.release(t)
		return 0, fmt.Errorf("adding a socket to epoll: %w", err)
	}
	return t, nil
}

func token(index, uses uint32) Token { return Token(index) | Token(uses)<<32 }

// Arm asks for one event of a socket. What is there already counts.
func (p *Poller[T]) Arm(fd int, t Token) error {
	return p.control(unix.EPOLL_CTL_MOD, fd, t, unix.EPOLLIN|unix.EPOLLRDHUP)
}

// Remove forgets a socket, whose descriptor is still open.
func (p *Poller[T]) Remove(fd int, t Token) {
	_ = p.control(unix.EPOLL_CTL_DEL, fd, t, 0) // it is forgotten all the same
	p.release(t)
}

func (p *Poller[T]) control(operation, fd int, t Token, events uint32) error {
	e := unix.EpollEvent{Events: events | unix.EPOLLONESHOT, Fd: int32(uint32(t)), Pad: int32(uint32(t >> 32))}
	return unix.EpollCtl(p.fd, operation, fd, &e)
}

func (p *Poller[T]) release(t Token) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.slots[uint32(t)]
	var none T
	s.value, s.used = none, false
	s.uses++
	p.free = append(p.free, uint32(t))
}

func (p *Poller[T]) find(t Token) (value T, found bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.slots[uint32(t)]
	if !s.used || s.uses != uint32(t>>32) {
		return value, false
	}
	return s.value, true
}

// batch is how many events are taken at once.
const batch = 128

// Run hands over the value of each socket that has something, until Close. ready
// must not block.
func (p *Poller[T]) Run(ready func(T)) {
	events := make([]unix.EpollEvent, batch)
	for {
		n := 0
		err := p.raw.Read(func(fd uintptr) bool {
			var err error
			if n, err = unix.EpollWait(int(fd), events, 0); err != nil {
				n = 0 // EINTR
			}
			return n > 0
		})
		if err != nil {
			return // closed
		}
		for _, e := range events[:n] {
			if value, found := p.find(token(uint32(e.Fd), uint32(e.Pad))); found {
				ready(value)
			}
		}
	}
}

// Close ends Run. Add, Arm and Remove fail from then on, in silence where they
// cannot say so.
func (p *Poller[T]) Close() error { return p.file.Close() }
