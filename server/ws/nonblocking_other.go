//go:build !unix

package ws

import "net"

// nonblocking leaves every write to the drainer where there is no way to write
// without blocking.
type nonblocking struct{}

func newNonblocking(net.Conn) nonblocking { return nonblocking{} }

func (nonblocking) write([]byte) (int, error) { return 0, nil }

func (nonblocking) waits() bool { return false }

func (nonblocking) waitReadable() {}
