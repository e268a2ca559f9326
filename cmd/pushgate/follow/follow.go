// Package follow is a client of the WebSocket protocol that keeps channels open
// over all reconnects: it goes on where it was, hands every stored message out
// once, and acks what was handled.
package follow

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Options say what is followed. Nothing may be changed while Run runs.
type Options struct {
	// URL is the server's, as ws://127.0.0.1:8080/ws.
	URL string
	// TLS is for a URL of wss; nil: the system's authorities.
	TLS *tls.Config
	// Subscriber is the durable identity; "" has none: nothing is acked then.
	Subscriber string
	// Token is the client's, where the server wants one; it says the subscriber.
	Token    string
	Channels []string
	// From is where a first subscription starts: "", new, earliest, cursor, or a
	// seq in digits.
	From string

	// Message is called with each message, one at a time. When it has returned
	// nil the message counts as handled. Its error ends Run; ErrStop ends it well,
	// with the message handled.
	Message func(Message) error
	// Gap is called with what will not come.
	Gap func(Gap)
	// Note is called with what happens to the connection.
	Note func(text string)
}

// ErrStop is what Message returns to end.
var ErrStop = errors.New("stop following")

// The pauses between two attempts to connect when the server says nothing.
const (
	firstPause = 250 * time.Millisecond
	maxPause   = 15 * time.Second
)

// follower is what outlives the single connection.
type follower struct {
	Options
	positions map[string]*position
	connected bool // ever
	pause     time.Duration
}

// position is how far a channel has come.
type position struct {
	known bool // the server has told where it starts
	epoch string
	seq   uint64
}

// interruption is an end of a connection after which another may follow.
type interruption struct {
	cause error
	// after is what the server asks for; 0 when it does not.
	after time.Duration
}

func (i *interruption) Error() string { return i.cause.Error() }

func (i *interruption) Unwrap() error { return i.cause }

// Run follows until ctx ends, Message returns an error, or the server refuses
// for good. A server that cannot be reached at all ends it, too; one that was
// reached is tried again for ever.
func Run(ctx context.Context, o Options) error {
	f := &follower{Options: o, positions: map[string]*position{}, pause: firstPause}
	for _, channel := range o.Channels {
		f.positions[channel] = &position{}
	}
	for ctx.Err() == nil {
		err := f.connect(ctx)
		lost, again := errors.AsType[*interruption](err)
		switch {
		case ctx.Err() == nil && !again:
			return err
		case ctx.Err() == nil && !f.connected && lost.after == 0:
			return fmt.Errorf("no connection to %s; does pushgate serve run there? --server names another (%w)", o.URL, lost.cause)
		}
		if again {
			f.rest(ctx, lost)
		}
	}
	return nil
}

// rest waits before another attempt, for as long as the server asks.
func (f *follower) rest(ctx context.Context, lost *interruption) {
	wait := lost.after
	if wait == 0 {
		wait = f.pause/2 + rand.N(f.pause/2)
		f.pause = min(2*f.pause, maxPause)
	}
	f.Note(fmt.Sprintf("%v; connecting again in %s", lost.cause, wait.Round(time.Millisecond)))
	select {
	case <-time.After(wait):
	case <-ctx.Done():
	}
}
