package ws

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/coder/websocket"

	"pushgate/push"
	"pushgate/push/wire"
)

// frames holds buffers for incoming frames; a connection has one only while it
// is reading a frame.
var frames = sync.Pool{New: func() any { return new([]byte) }}

// keepFrame is the capacity up to which a buffer goes back to the pool.
const keepFrame = 16 << 10

var errTooBig = errors.New("frame too big")

// read works on what the client has sent. It returns when nothing more is there
// and somebody else waits for it, or when the connection has ended.
func (s *Server) read(c *conn) {
	for {
		more, err := c.answerControl(c.in)
		if more {
			err = s.message(c)
		}
		if err != nil {
			s.over(c, err)
			return
		}
		if c.canWait() {
			s.tier.await(c)
			return
		}
	}
}

// over releases a connection of which reading has failed.
func (s *Server) over(c *conn, err error) {
	cause := push.CauseLost
	if websocket.CloseStatus(err) != -1 {
		cause = push.CauseClient
	}
	s.refuseProtocol(c, err)
	if cause == push.CauseClient {
		c.finish() // the answer to its closing frame
	}
	c.session.Detach(cause)
	_ = c.socket.CloseNow()
	c.cut()
	s.untrack(c)
}

// message reads a message and works on it.
func (s *Server) message(c *conn) error {
	kind, r, err := c.socket.Reader(context.Background())
	if err != nil {
		return err
	}
	return s.frame(c, kind, r)
}

// frame works on one message of the client.
func (s *Server) frame(c *conn, kind websocket.MessageType, r io.Reader) error {
	buf := frames.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= keepFrame {
			frames.Put(buf)
		}
	}()
	var err error
	c.begins()
	*buf, err = readUpTo((*buf)[:0], r, s.options.MaxFrame)
	c.begun.Store(0)
	switch {
	case errors.Is(err, errTooBig):
		c.tooBig()
		// Whatever else comes is dropped until the peer closes, or its time for it is over.
		_, err = io.Copy(io.Discard, r)
		return err
	case err != nil:
		return err
	case kind != websocket.MessageText:
		c.session.Malformed("the frame is binary; send JSON objects in text frames")
	default:
		c.busy.Store(true)
		c.session.HandleInflated(s.ctx, *buf, c.cost())
		c.busy.Store(false)
	}
	return nil
}

// begins notes when the client has begun to send a frame.
func (c *conn) begins() { c.begun.Store(c.heard.Load()) }

func (c *conn) tooBig() {
	c.session.End(push.End{Cause: push.CauseProtocol, Code: wire.CloseTooBig, Reason: "frame too big"})
}

// readUpTo appends a whole message to buf, or fails when it is longer than limit.
func readUpTo(buf []byte, r io.Reader, limit int) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, make([]byte, max(512, len(buf)))...)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > limit:
			return buf, errTooBig
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return buf, err
		}
	}
}

// refuseProtocol closes a connection whose frames are not RFC 6455's. One that
// broke, or that the client closed, needs nothing more; but of its own complaint
// of the protocol coder/websocket has not told the client (see conn.Write).
func (s *Server) refuseProtocol(c *conn, err error) {
	var broken net.Error
	switch websocket.CloseStatus(err) {
	case websocket.StatusProtocolError:
	case -1:
		if errors.As(err, &broken) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return
		}
	default:
		return
	}
	c.session.End(push.End{Cause: push.CauseProtocol, Code: wire.CloseProtocol, Reason: "protocol error"})
	c.finish()
}
