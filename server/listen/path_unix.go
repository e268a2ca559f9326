//go:build unix

package listen

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// openUnix listens on a socket in the file system. A socket that a dead process
// has left there is replaced. So that two processes which start at once do not
// take each other's for one, each holds a lock beside it, PATH.lock, which stays
// there: removing it would not be safe.
func openUnix(ctx context.Context, path string, mode fs.FileMode) (net.Listener, error) {
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	l, err := bind(ctx, path, mode)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &locked{Listener: l, lock: lock}, nil
}

func bind(ctx context.Context, path string, mode fs.FileMode) (net.Listener, error) {
	if err := removeStale(ctx, path); err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, mode); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = syscall.EADDRINUSE
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), f.Close())
	}
	return f, nil
}

// removeStale removes a socket that nobody listens on.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there already and is no socket", path)
	}
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		return errors.Join(fmt.Errorf("%s: %w", path, syscall.EADDRINUSE), c.Close())
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(path)
	default:
		return fmt.Errorf("looking whether somebody listens on %s: %w", path, err)
	}
}

// locked is a listener that holds its lock until it is closed.
type locked struct {
	net.Listener
	lock *os.File
}

// Close removes the socket, and lets go of the lock.
func (l *locked) Close() error {
	return errors.Join(l.Listener.Close(), l.lock.Close())
}
