//go:build unix

package listen

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// set configures a socket that listens, or is about to.
func (o Options) set(fd uintptr) error {
	if o.ReusePort {
		if err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return fmt.Errorf("SO_REUSEPORT: %w", err)
		}
	}
	if o.SendBuffer > 0 {
		if err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF, o.SendBuffer); err != nil {
			return fmt.Errorf("SO_SNDBUF: %w", err)
		}
	}
	return nil
}
