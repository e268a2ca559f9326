//go:build !unix

package listen

import (
	"context"
	"errors"
	"io/fs"
	"net"
)

func openUnix(context.Context, string, fs.FileMode) (net.Listener, error) {
	return nil, errors.New("Unix sockets are not supported on this system")
}
