//go:build !linux

package ws

// acked says nothing where there is no way to know.
func (s nonblocking) acked() (bytes uint64, more bool) { return 0, false }
