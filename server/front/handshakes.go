package front

import (
	"context"
	"net"
)

// Handshakes follows the sockets that are not connections yet, as those of package
// admission do: it has begun with a socket when the listener accepts it.
type Handshakes interface {
	// Move goes on with a socket under another name.
	Move(from, to net.Conn)
	// End ends with it.
	End(socket net.Conn)
	// Context is the context of a request that has come on it.
	Context(ctx context.Context, socket net.Conn) context.Context
}
