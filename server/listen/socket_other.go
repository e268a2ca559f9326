//go:build !unix

package listen

import "errors"

// set configures a socket that listens, or is about to.
func (o Options) set(uintptr) error {
	if o.ReusePort {
		return errors.New("SO_REUSEPORT: this system has no such thing")
	}
	return nil
}
