package ws

import (
	"bufio"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"pushgate/push"
	"pushgate/push/wire"
	"pushgate/server/admission"
)

const (
	// writeStall is how long a write may make no progress.
	writeStall = 10 * time.Second
	// closeWait is how long the peer has for its half of the closing handshake.
	closeWait = 5 * time.Second
	// silentCloseWait is the same for one that was silent before.
	silentCloseWait = 100 * time.Millisecond
	// maxControl bounds the control frames that wait behind a stalled write:
	// beyond it pongs are dropped (RFC 6455 §5.5.3 asks only for the latest).
	maxControl = 4 << 10
	opClose    = 8
)

// conn is the write side of a connection. Its Write method takes the control
// frames of coder/websocket, flush and its drainer take everything else; mu
// keeps them apart.
type conn struct {
	net.Conn // nil until attach
	session  *push.Session
	admitted *admission.Place
	writer   *writer
	server   *Server
	direct   nonblocking
	socket   *websocket.Conn // reads messages, with in
	in       *bufio.Reader   // what was received and not read yet

	inflater *inflater // nil: permessage-deflate was not negotiated

	heartbeat heartbeat
	heard     atomic.Int64 // when something was read last, in Unix nanoseconds; 0 until attach
	begun     atomic.Int64 // when the frame that is being read began; 0: none is
	pinged    atomic.Int64 // when the last ping went out, which is its payload
	// busy: the reader works on a frame, so the silence is the server's.
	busy atomic.Bool

	mu       sync.Mutex
	attached bool
	// rest is what a write has not taken yet: whole frames but for the first,
	// which may be a part. It goes out before anything else.
	rest []byte
	// draining: a goroutine of its own writes for this connection; drained is closed
	// when it ends, if somebody waits for that.
	draining bool
	drained  chan struct{}
	// compressing: the next frame is not to be had yet; then the writer is woken.
	compressing bool
	// closeSent: the close frame is on its way, and nothing may follow it.
	closeSent bool
	// closing: it is to be closed when the drainer has ended.
	closing bool
	failed  bool
	place   place // in the tier

	sent push.Meter // used by the drainer only
}

// wake is called by the session, with its lock held, when there is something to drain.
func (c *conn) wake() { c.writer.add(c) }

// attach begins writing: the connection is upgraded. Whatever coder/websocket
// writes meanwhile comes through Write.
func (c *conn) attach(raw net.Conn) {
	c.mu.Lock()
	c.Conn = raw
	c.direct = newNonblocking(raw)
	c.attached = true
	c.heard.Store(time.Now().UnixNano())
	if c.failed {
		_ = raw.Close()
	}
	c.mu.Unlock()
}

// Read implements io.Reader for coder/websocket.
func (c *conn) Read(p []byte) (int, error) {
	if c.inflater != nil {
		return c.inflater.Read(p)
	}
	return (*received)(c).Read(p)
}

// received is what the peer sent, as it came.
type received conn

// Read notes that the peer lives.
func (c *received) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.heard.Store(time.Now().UnixNano())
	}
	return n, err
}

// flush sends what the session has, as far as the connection takes it at once, and
// says how many bytes that were.
func (c *conn) flush(scratch []byte) (_ []byte, written int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.attached || c.draining || c.failed {
		return scratch, 0
	}
	if c.server.egress.shaped() {
		c.spill()
		return scratch, 0
	}
	for more := true; more; {
		scratch, more = c.next(scratch[:0], scratchSize)
		if len(scratch) == 0 {
			break
		}
		n, err := c.direct.write(scratch)
		written += n
		if err != nil {
			c.fail()
			break
		}
		if n < len(scratch) {
			c.rest = append([]byte(nil), scratch[n:]...)
			c.session.Hold(len(c.rest))
			c.spill()
			break
		}
	}
	if cap(scratch) > 4*scratchSize {
		scratch = make([]byte, 0, scratchSize)
	}
	return scratch, written
}

// next takes about size bytes of frames from the session, and the close frame after
// the last.
func (c *conn) next(buf []byte, size int) (_ []byte, more bool) {
	if c.closeSent {
		return buf, false
	}
	c.compressing = false
	buf, more, end := c.session.Drain(buf, size, c.forms())
	if end != nil {
		c.closeSent = true
		buf = append(buf, wire.CloseFrame(end.Code, end.Reason)...)
		// The reader ends when the peer has answered, or at this deadline.
		wait := closeWait
		if end.Cause == push.CausePongTimeout {
			wait = silentCloseWait
		}
		_ = c.Conn.SetReadDeadline(time.Now().Add(wait))
		c.server.tier.closing(c)
	}
	return buf, more && !c.compressing
}

// Write sends one control frame of coder/websocket. A close frame by which it
// complains of the client's frames is left to the reader, which says so in the
// words of the protocol.
func (c *conn) Write(frame []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	closing := len(frame) > 0 && frame[0]&0xf == opClose
	switch {
	case c.failed:
		return 0, net.ErrClosed
	case closing && len(frame) >= 4 && binary.BigEndian.Uint16(frame[2:]) == uint16(websocket.StatusProtocolError):
		return len(frame), nil
	case c.closeSent, c.draining && len(c.rest) > maxControl && !closing:
		return len(frame), nil
	}
	if closing {
		c.closeSent = true
		c.server.tier.closing(c)
	}
	if c.draining {
		c.rest = append(c.rest, frame...)
		return len(frame), nil
	}
	n, err := c.direct.write(frame)
	if err != nil {
		c.fail()
		return n, err
	}
	if n < len(frame) {
		c.rest = append([]byte(nil), frame[n:]...)
		c.spill()
	}
	return len(frame), nil
}

// spill gives the connection a goroutine that may wait. The lock is held.
func (c *conn) spill() {
	c.draining = true
	c.server.running.Go(c.drain)
}

// finish writes what there is and waits for it, at most as long as a write may stall.
func (c *conn) finish() {
	c.mu.Lock()
	for c.draining {
		if c.drained == nil {
			c.drained = make(chan struct{})
		}
		drained := c.drained
		c.mu.Unlock()
		<-drained
		c.mu.Lock()
	}
	if !c.attached || c.failed {
		c.mu.Unlock()
		return
	}
	c.draining = true
	c.mu.Unlock()
	c.drain()
}

// drain writes what is left and whatever comes, until the connection is in step
// again or makes no progress for writeStall.
func (c *conn) drain() {
	var buf []byte
	for {
		c.mu.Lock()
		more := true
		buf, c.rest = append(buf[:0], c.rest...), nil
		if len(buf) == 0 {
			buf, more = c.next(buf, c.server.egress.portion())
			c.session.Hold(len(buf))
		}
		if c.failed || len(buf) == 0 && !more {
			c.draining = false
			if c.closing {
				c.fail()
			}
			if c.drained != nil {
				close(c.drained)
				c.drained = nil
			}
			_ = c.SetWriteDeadline(time.Time{}) // it may be closed
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		c.server.egress.wait(c.server.ctx, &c.sent, len(buf))
		if err := c.writeAll(buf); err != nil {
			c.stalled(err)
		}
	}
}

// stuck: a write waits for the client, and has its own time-out.
func (c *conn) stuck() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.draining
}

// writeAll blocks until everything is written, or nothing was for too long.
func (c *conn) writeAll(buf []byte) error {
	for len(buf) > 0 {
		if err := c.SetWriteDeadline(time.Now().Add(writeStall)); err != nil {
			return err
		}
		n, err := c.Conn.Write(buf)
		buf = buf[n:]
		if err != nil && (n == 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return err
		}
	}
	return nil
}

// stalled gives up on a connection that takes nothing any more.
func (c *conn) stalled(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.session.End(push.GoAway(push.CauseSlow, wire.CloseSlow, "slow consumer"))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail()
}

// fail ends writing and wakes the reader. The lock is held.
func (c *conn) fail() {
	if c.failed {
		return
	}
	c.failed = true
	c.rest = nil
	if c.attached {
		c.server.tier.leave(c)
		_ = c.Conn.Close()
	}
}

// Close closes the connection when a close frame that is on its way is out; cut does
// it at once. coder/websocket closes as soon as it has answered a client's close frame.
func (c *conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.draining && c.closeSent {
		c.closing = true
		return nil
	}
	c.fail()
	return nil
}

// cut closes the connection.
func (c *conn) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail()
}
