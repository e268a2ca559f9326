package follow

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"pushgate/push/wire"
)

// handle works on one frame.
func (c *connection) handle(f frame) error {
	switch f.Type {
	case "connected":
		if c.Token != "" {
			c.follower.Subscriber = f.Subscriber
		}
		return c.subscribe(time.Duration(f.Heartbeat) * time.Second)
	case "subscribed":
		c.opened(f)
	case "message":
		return c.message(f)
	case "gap":
		c.Gap(Gap{Channel: f.Channel, From: f.From, To: f.To, Reason: f.Reason})
		if p := c.positions[f.Channel]; p != nil && f.Reason != string(wire.GapEpoch) {
			p.seq = max(p.seq, f.To)
		}
	case "unsubscribed":
		return fmt.Errorf("%s: the server closed the subscription (%s)", f.Channel, f.Reason)
	case "closing":
		c.last = &f
	case "error":
		return c.refused(f)
	}
	return nil
}

// subscribe asks for all channels; each goes on where it was.
func (c *connection) subscribe(heartbeat time.Duration) error {
	c.follower.connected, c.pause = true, firstPause
	if heartbeat > 0 {
		c.tasks.Go(func() { c.keepAlive(heartbeat) })
	}
	for i, channel := range c.Channels {
		r := request{Type: wire.TypeSubscribe, ID: i + 1, Channel: channel}
		p := c.positions[channel]
		switch seq, err := strconv.ParseUint(c.From, 10, 64); {
		case p.known && c.Subscriber == "":
			r.From, r.Epoch = p.seq, p.epoch
		case err == nil:
			r.From = seq
		case c.From != "":
			r.From = c.From
		}
		if err := c.send(r); err != nil {
			return &interruption{cause: err}
		}
	}
	return nil
}

// opened notes where a channel starts.
func (c *connection) opened(f frame) {
	p := c.positions[f.Channel]
	if p == nil {
		return
	}
	if !p.known || p.epoch != f.Epoch {
		*p = position{known: true, epoch: f.Epoch, seq: f.Cursor}
	}
}

// message hands a message out, unless that was done before the connection broke.
func (c *connection) message(f frame) error {
	p := c.positions[f.Channel]
	if p == nil {
		return nil
	}
	var err error
	if f.Seq == 0 || f.Seq > p.seq {
		err = c.Message(Message{Channel: f.Channel, Seq: f.Seq, ContentType: f.ContentType, Data: f.Data, Data64: f.Data64, Frame: f.raw})
	}
	if f.Seq > 0 && (err == nil || errors.Is(err, ErrStop)) {
		p.seq = max(p.seq, f.Seq)
		if c.Subscriber != "" {
			c.acks[f.Channel] = f.Seq // not p.seq: this connection has not sent that yet
		}
	}
	return err
}

// refused says whether a request that failed is worth another try.
func (c *connection) refused(f frame) error {
	var code string
	if n, err := strconv.Unquote(string(f.Code)); err == nil {
		code = n
	}
	if f.ID < 1 || f.ID > len(c.Channels) {
		c.Note(fmt.Sprintf("the server says: %s: %s", code, f.Message))
		return nil
	}
	cause := fmt.Errorf("%s: %s: %s", c.Channels[f.ID-1], code, f.Message)
	switch wire.Code(code) {
	case wire.CodeUnavailable, wire.CodeResourceExhausted:
		return &interruption{cause: cause, after: time.Duration(f.RetryAfter) * time.Millisecond}
	}
	return cause
}
