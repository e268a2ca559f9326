package ws

import (
	"bufio"
	"errors"
	"sync/atomic"

	"pushgate/push/wire"
)

// A connection from which nothing comes is left to the tier, which keeps as little as
// it can for it. When something comes, one of the readers, whose stacks have grown
// already, takes over until nothing more is there. Where there is no socket to wait
// on (TLS), the connection keeps its reader.

// canWait says whether everything that was received has been read, and what comes
// next can be waited for on the socket.
func (c *conn) canWait() bool {
	return c.direct.waits() && c.in.Buffered() == 0 && (c.inflater == nil || c.inflater.empty())
}

// readers are the goroutines that read. A few that have nothing to do are kept.
type readers struct {
	waiting chan *conn // to one that has nothing to do
	idle    atomic.Int32
}

// keptReaders is how many of them may have nothing to do.
const keptReaders = 32

// take finds a reader for a connection.
func (r *readers) take(s *Server, c *conn) {
	select {
	case r.waiting <- c:
	default:
		s.running.Go(func() { r.run(s, c) })
	}
}

func (r *readers) run(s *Server, c *conn) {
	for {
		s.read(c)
		if r.idle.Add(1) > keptReaders {
			r.idle.Add(-1)
			return
		}
		select {
		case c = <-r.waiting:
			r.idle.Add(-1)
		case <-s.ctx.Done():
			return
		}
	}
}

// The parts of a client's control frame (RFC 6455 §5.2, §5.5).
const (
	finalPing, finalPong = 0x89, 0x8a
	controlHead          = 2 + 4
	maxControlPayload    = 125
)

// answerControl works on the pings and pongs that come before the next message,
// and says false when nothing follows them yet. coder/websocket's Reader would not
// return for them. Everything else is left to it, also what is wrong with a frame.
func (c *conn) answerControl(in *bufio.Reader) (more bool, err error) {
	for {
		head, err := in.Peek(2)
		if err != nil {
			return false, err
		}
		kind, size := head[0], int(head[1]&^maskBit)
		if kind != finalPing && kind != finalPong || head[1]&maskBit == 0 || size > maxControlPayload {
			return true, nil
		}
		frame, err := in.Peek(controlHead + size)
		if errors.Is(err, bufio.ErrBufferFull) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		var unmasked [maxControlPayload]byte
		payload := unmasked[:size]
		for i := range payload {
			payload[i] = frame[controlHead+i] ^ frame[2+i%4]
		}
		_, _ = in.Discard(len(frame)) // what was peeked is there
		if kind == finalPong {
			c.pong(payload)
		} else {
			_, _ = c.Write(wire.PongFrame(payload)) // who cannot be written to is not read from for long
		}
		if in.Buffered() == 0 {
			return false, nil
		}
	}
}
