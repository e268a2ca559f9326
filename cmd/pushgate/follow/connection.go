package follow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"

	"pushgate/push/wire"
)

// connection is one connection. Its reader and its pinger end with connect.
type connection struct {
	*follower
	socket *websocket.Conn
	life   context.Context
	tasks  sync.WaitGroup
	frames chan frame
	broken error             // why frames was closed
	acks   map[string]uint64 // handled, and not said yet
	last   *frame            // the closing frame, if it came
}

// connect follows on one connection until it ends.
func (f *follower) connect(ctx context.Context) error {
	socket, err := f.dial(ctx)
	if err != nil {
		return err
	}
	// Not a child of ctx: the last acks are sent after that has ended.
	life, end := context.WithCancel(context.Background())
	c := &connection{follower: f, socket: socket, life: life, frames: make(chan frame, 64), acks: map[string]uint64{}}
	c.tasks.Go(c.read)
	defer func() {
		end()
		_ = socket.CloseNow()
		c.tasks.Wait()
	}()
	if err := c.follow(ctx); err != nil {
		return err
	}
	if err := c.flush(); err != nil {
		return fmt.Errorf("the last acks were not sent: %w", err)
	}
	_ = socket.Close(websocket.StatusNormalClosure, "")
	return nil
}

// read passes the frames on.
func (c *connection) read() {
	defer close(c.frames)
	for {
		_, raw, err := c.socket.Read(c.life)
		var f frame
		if err == nil {
			f, err = decode(raw)
		}
		if err != nil {
			c.broken = err
			return
		}
		select {
		case c.frames <- f:
		case <-c.life.Done():
			return
		}
	}
}

// follow handles frames, and acks whenever there is none to handle, until
// Message or ctx says that it is enough.
func (c *connection) follow(ctx context.Context) error {
	for {
		if len(c.frames) == 0 {
			if err := c.flush(); err != nil {
				return &interruption{cause: err}
			}
		}
		select {
		case f, more := <-c.frames:
			if !more {
				return c.ending()
			}
			err := c.handle(f)
			if errors.Is(err, ErrStop) {
				return nil
			}
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// flush says what has been handled.
func (c *connection) flush() error {
	for channel, seq := range c.acks {
		if err := c.send(request{Type: wire.TypeAck, Channel: channel, Seq: seq}); err != nil {
			return err
		}
		delete(c.acks, channel)
	}
	return nil
}

func (c *connection) send(r request) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.life, patience)
	defer cancel()
	return c.socket.Write(ctx, websocket.MessageText, text)
}

// keepAlive finds a server that is gone without a word.
func (c *connection) keepAlive(interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			ctx, cancel := context.WithTimeout(c.life, patience)
			err := c.socket.Ping(ctx)
			cancel()
			if err != nil {
				_ = c.socket.CloseNow()
				return
			}
		case <-c.life.Done():
			return
		}
	}
}

// ending says whether another connection should follow.
func (c *connection) ending() error {
	var closed websocket.CloseError
	if !errors.As(c.broken, &closed) {
		return &interruption{cause: errors.New("the connection was lost")}
	}
	code := wire.CloseCode(closed.Code)
	cause := fmt.Errorf("the server closed the connection: %d %s", closed.Code, closed.Reason)
	again, after := code.Reconnect() && code != wire.CloseUnauthenticated, time.Duration(0)
	if c.last != nil {
		again, after = c.last.Reconnect, time.Duration(c.last.RetryAfter)*time.Millisecond
	}
	if !again {
		return cause
	}
	return &interruption{cause: cause, after: after}
}
