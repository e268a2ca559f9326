package front

import "net"

// replayed is a connection of which the first bytes were received already.
type replayed struct {
	net.Conn
	first []byte
}

// again is c as it was before the given bytes were received from it.
func again(c net.Conn, received []byte) net.Conn {
	first := make([]byte, len(received))
	copy(first, received)
	return &replayed{Conn: c, first: first}
}

// Read yields the first bytes first. As with every connection, only one may read
// at a time.
func (r *replayed) Read(p []byte) (int, error) {
	if len(r.first) == 0 {
		return r.Conn.Read(p)
	}
	n := copy(p, r.first)
	if r.first = r.first[n:]; len(r.first) == 0 {
		r.first = nil
	}
	return n, nil
}

// NetConn is the connection beneath, as of tls.Conn.
func (r *replayed) NetConn() net.Conn { return r.Conn }

// Raw is the connection beneath once everything that was received has been read
// from here; nil before.
func (r *replayed) Raw() net.Conn {
	if len(r.first) > 0 {
		return nil
	}
	return r.Conn
}
