package ws

import (
	"bufio"
	"bytes"
	"io"
	"runtime"

	"github.com/coder/websocket"

	"pushgate/push"
	"pushgate/push/wire"
)

// Compression are the settings of permessage-deflate (RFC 7692). It is negotiated
// without context takeover in both directions, so nothing is kept for a connection.
type Compression struct {
	// Level is 1 (fastest) to 9 (smallest).
	Level int
	// Threshold is the least length in bytes of a frame's payload that is compressed.
	Threshold int
	// Concurrency is how many frames are compressed at the same time; 0 stands for
	// half of the processors, at least one.
	Concurrency int
}

func (c Compression) concurrency() int {
	if c.Concurrency > 0 {
		return c.Concurrency
	}
	return max(1, runtime.GOMAXPROCS(0)/2)
}

// mode is what coder/websocket is to negotiate.
func (o *Options) mode() websocket.CompressionMode {
	if o.Compression == nil {
		return websocket.CompressionDisabled
	}
	return websocket.CompressionNoContextTakeover
}

// negotiated makes the connection one with permessage-deflate, before attach. What
// was received already comes first from early.
func (c *conn) negotiated(early []byte) {
	var in io.Reader = (*received)(c)
	if len(early) > 0 {
		in = io.MultiReader(bytes.NewReader(bytes.Clone(early)), in) // not the buffer of net/http
	}
	metrics := c.server.compressor.metrics
	c.inflater = &inflater{
		in: bufio.NewReaderSize(in, max(len(early), readBuffer)), limit: c.server.options.MaxFrame, client: c, messages: metrics.inflated,
	}
	metrics.connections.Inc()
}

// forms are those of the connection's frames.
func (c *conn) forms() push.Forms {
	if c.inflater == nil {
		return nil
	}
	return c
}

// Form implements push.Forms; the connection's lock is held too.
func (c *conn) Form(f *wire.Frame) []byte {
	form := c.server.compressor.form(c, f)
	c.compressing = form == nil
	return form
}

// Prepare implements push.Forms.
func (c *conn) Prepare(f *wire.Frame) bool { return c.server.compressor.prepare(f) }

// cost is what the last message of the client counts for if it was compressed.
func (c *conn) cost() int {
	if c.inflater == nil {
		return 0
	}
	return c.inflater.cost
}
