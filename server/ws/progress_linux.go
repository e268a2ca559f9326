package ws

import "golang.org/x/sys/unix"

// acked answers how many bytes the peer's system has acknowledged so far, and
// whether it has some still to acknowledge.
func (s nonblocking) acked() (bytes uint64, more bool) {
	if s.socket == nil {
		return 0, false
	}
	_ = s.socket.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil {
			bytes, more = info.Bytes_acked, info.Unacked > 0 || info.Notsent_bytes > 0
		}
	})
	return bytes, more
}
