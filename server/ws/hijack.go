package ws

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
)

// The buffers of coder/websocket for one connection. Reads of whole frames bypass
// a small one; the largest control frame, 127 bytes, must fit the other, so that
// each is one write (see the package's documentation).
const (
	readBuffer  = 144 // holds a control frame of a client
	writeBuffer = 128
	leastBuffer = 16 // bufio has no smaller one
)

// hijacker gives coder/websocket our connection instead of net/http's, with
// small buffers.
type hijacker struct {
	http.ResponseWriter
	conn   *conn
	reader *bufio.Reader
	// pipelined: the client sent frames together with its request; early: reader
	// holds them.
	pipelined, early bool
}

// Hijack implements http.Hijacker.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	raw, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	n, size := buffered.Reader.Buffered(), readBuffer
	first, _ := buffered.Reader.Peek(n)
	h.pipelined = n > 0
	if h.Header().Get("Sec-WebSocket-Extensions") != "" { // it negotiates permessage-deflate only
		h.conn.negotiated(first)
		first, n, size = nil, 0, leastBuffer // the inflater has a buffer
	}
	h.conn.attach(raw)
	h.early = n > 0
	h.reader = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(first), h.conn), max(n, size))
	// Accept keeps what the reader holds and goes on with the connection: what the
	// client has sent already has to be in the reader by then.
	_, _ = h.reader.Peek(n)
	return h.conn, bufio.NewReadWriter(h.reader, bufio.NewWriterSize(h.conn, writeBuffer)), nil
}

// settle drops what only the handshake needed.
func (h *hijacker) settle() {
	if !h.early {
		h.reader.Reset(h.conn)
	}
}
