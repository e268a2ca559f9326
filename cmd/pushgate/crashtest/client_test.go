package crashtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/coder/websocket"

	"pushgate/cmd/pushgate/pushgatetest"
)

// frame is any frame of the server.
type frame struct {
	Type          string          `json:"type"`
	Node          string          `json:"node"`
	Channel       string          `json:"channel"`
	Seq           uint64          `json:"seq"`
	Epoch         string          `json:"epoch"`
	Cursor        uint64          `json:"cursor"`
	Pending       uint64          `json:"pending"`
	Data          json.RawMessage `json:"data"`
	MessageID     string          `json:"messageId"`
	From          uint64          `json:"from"`
	To            uint64          `json:"to"`
	Reason        string          `json:"reason"`
	Code          json.RawMessage `json:"code"`
	Message       string          `json:"message"`
	Reconnect     bool            `json:"reconnect"`
	RetryAfter    int             `json:"retryAfter"`
	Subscriptions []frame         `json:"subscriptions"`
}

// client is a WebSocket client that knows nothing but the protocol.
type client struct {
	t      *testing.T
	socket *websocket.Conn
}

// errRefused is an upgrade that was answered otherwise.
type errRefused struct {
	status     int
	retryAfter string
}

func (e *errRefused) Error() string { return fmt.Sprintf("HTTP %d", e.status) }

// connect opens a connection, as a client without a library does: it names no
// subprotocol.
func connect(ctx context.Context, t *testing.T, address string, header http.Header) (*client, error) {
	ctx, cancel := context.WithTimeout(ctx, pushgatetest.Patience)
	defer cancel()
	socket, response, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		if response != nil {
			return nil, &errRefused{response.StatusCode, response.Header.Get("Retry-After")}
		}
		return nil, err
	}
	socket.SetReadLimit(-1)
	return &client{t: t, socket: socket}, nil
}

// dial is connect where nothing stands against it.
func dial(t *testing.T, address string) *client {
	t.Helper()
	c, err := connect(t.Context(), t, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.socket.CloseNow() })
	return c
}

func (c *client) read(ctx context.Context) (frame, error) {
	var f frame
	kind, data, err := c.socket.Read(ctx)
	if err != nil {
		return f, err
	}
	if kind != websocket.MessageText {
		return f, errors.New("a frame is binary")
	}
	return f, json.Unmarshal(data, &f)
}

// expect reads one frame of a type.
func (c *client) expect(kind string) frame {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), pushgatetest.Patience)
	defer cancel()
	f, err := c.read(ctx)
	if err != nil {
		c.t.Fatalf("waiting for %s: %v", kind, err)
	}
	if f.Type != kind {
		c.t.Fatalf("got %+v, want %s", f, kind)
	}
	return f
}

// messages expects messages of a channel, one seq after the other.
func (c *client) messages(channel string, from, to uint64) {
	c.t.Helper()
	for seq := from; seq <= to; seq++ {
		if f := c.expect("message"); f.Channel != channel || f.Seq != seq {
			c.t.Fatalf("got %s %d, want %s %d", f.Channel, f.Seq, channel, seq)
		}
	}
}

func (c *client) write(ctx context.Context, f map[string]any) error {
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return c.socket.Write(ctx, websocket.MessageText, data)
}

func (c *client) send(f map[string]any) {
	c.t.Helper()
	if err := c.write(limited(c.t), f); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) ack(channel string, seq uint64) {
	c.t.Helper()
	c.send(map[string]any{"type": "ack", "channel": channel, "seq": seq})
}
