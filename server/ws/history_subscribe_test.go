package ws_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/coder/websocket"
)

type historyEvent struct {
	Type, Channel, Reason, MessageID, Epoch, Code string

	Seq, From, To, Cursor uint64
	Data                  json.RawMessage
	Subscriptions         []struct {
		Channel string
		Cursor  uint64
	}
	raw string
}

// line is one connection of a history's client.
type line struct {
	w          *world
	name       string
	subscriber string
	socket     *websocket.Conn
	position   map[string]uint64 // of each open subscription
	epoch      map[string]string
	ephemeral  map[string]bool // that came already
}

func (w *world) connect(ctx context.Context, n *node, subscriber string, number int) (*line, error) {
	mode := websocket.CompressionDisabled
	if number%2 == 0 {
		mode = websocket.CompressionNoContextTakeover
	}
	socket, response, err := websocket.Dial(ctx, n.url()+"?subscriber="+subscriber,
		&websocket.DialOptions{HTTPClient: n.client(), CompressionMode: mode, CompressionThreshold: 1})
	if err != nil {
		if response != nil && response.Body != nil {
			_ = response.Body.Close()
		}
		return nil, err
	}
	socket.SetReadLimit(-1)
	return &line{
		w: w, name: fmt.Sprintf("%s/%d", subscriber, number), subscriber: subscriber, socket: socket,
		position: make(map[string]uint64), epoch: make(map[string]string), ephemeral: make(map[string]bool),
	}, nil
}

func (l *line) send(ctx context.Context, f frame) error {
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return l.socket.Write(ctx, websocket.MessageText, data)
}

// next reads a frame and checks that it follows the one before.
func (l *line) next(ctx context.Context) (historyEvent, error) {
	var e historyEvent
	_, data, err := l.socket.Read(ctx)
	if err != nil {
		return e, err
	}
	e.raw = string(data)
	if err := json.Unmarshal(data, &e); err != nil {
		l.w.t.Errorf("%s got %s: %v", l.name, data, err)
		return e, err
	}
	switch e.Type {
	case "connected":
		for _, s := range e.Subscriptions {
			l.open(s.Channel, s.Cursor)
		}
	case "subscribed":
		l.epoch[e.Channel] = e.Epoch
		if _, open := l.position[e.Channel]; !open {
			l.open(e.Channel, e.Cursor)
		}
	case "message":
		l.w.record.message(l.name, e)
		if e.Seq > 0 {
			l.follow(e, e.Seq, e.Seq)
		} else if l.ephemeral[e.MessageID] {
			l.w.t.Errorf("%s got %s twice", l.name, e.raw)
		}
		l.ephemeral[e.MessageID] = e.Seq == 0
	case "gap":
		l.w.record.gap(l.name, e, l.subscriber != "")
		if e.To > 0 {
			l.follow(e, e.From, e.To)
		}
	case "closing":
	case "error":
		if e.Code != "unavailable" {
			l.w.t.Errorf("%s got %s", l.name, e.raw)
		}
	default:
		l.w.t.Errorf("%s got %s", l.name, e.raw)
	}
	return e, nil
}

func (l *line) open(channel string, cursor uint64) {
	if l.subscriber != "" {
		l.w.record.opened(subscription{l.subscriber, channel}, cursor)
	}
	l.position[channel] = cursor
}

// follow: a subscription knows of every seq, in order.
func (l *line) follow(e historyEvent, from, to uint64) {
	position, open := l.position[e.Channel]
	if !open || from != position+1 || to < from {
		l.w.t.Errorf("%s is at %d and got %s", l.name, position, e.raw)
	}
	l.position[e.Channel] = to
	if l.subscriber != "" {
		l.w.record.cover(subscription{l.subscriber, e.Channel}, from, to)
	}
}

func (l *line) ack(ctx context.Context, channel string, seq uint64) error {
	l.w.record.acking(subscription{l.subscriber, channel}, seq)
	return l.send(ctx, frame{"type": "ack", "channel": channel, "seq": seq})
}

// subscribeNow is a durable subscriber's device: it comes and goes, acks now and
// then, and stops reading for a while.
func (w *world) subscribeNow(r *rand.Rand, subscriber string) {
	for number := 0; w.chaos.Err() == nil; number++ {
		l, err := w.connect(w.chaos, w.node(r), subscriber, number)
		if err != nil {
			pause(w.chaos, time.Millisecond)
			continue
		}
		for range r.IntN(300) {
			e, err := l.next(w.chaos)
			if err != nil {
				break
			}
			switch {
			case e.Type == "connected":
				for _, channel := range channels {
					if r.IntN(2) == 0 {
						_ = l.send(w.chaos, frame{"type": "subscribe", "id": 1, "channel": channel, "window": 1 + r.IntN(20)})
					}
				}
			case e.Type == "message" && e.Seq > 0 && r.IntN(3) > 0, e.Type == "gap" && e.To > 0 && r.IntN(2) == 0:
				_ = l.ack(w.chaos, e.Channel, l.position[e.Channel]-r.Uint64N(2))
			case r.IntN(50) == 0:
				pause(w.chaos, 5*time.Millisecond)
			}
		}
		l.leave(r)
	}
}

// resumeNow is a client without a name that says itself from where it goes on.
func (w *world) resumeNow(r *rand.Rand) {
	position, epoch := make(map[string]uint64), make(map[string]string)
	for number := 0; w.chaos.Err() == nil; number++ {
		l, err := w.connect(w.chaos, w.node(r), "", number)
		if err != nil {
			pause(w.chaos, time.Millisecond)
			continue
		}
		for _, channel := range channels {
			_ = l.send(w.chaos, frame{"type": "subscribe", "id": 1, "channel": channel, "from": position[channel], "epoch": epoch[channel]})
		}
		for range r.IntN(300) {
			if e, err := l.next(w.chaos); err != nil {
				break
			} else if e.Type == "subscribed" && e.Cursor != position[e.Channel] {
				w.t.Errorf("%s asked for %s after %d and got %s", l.name, e.Channel, position[e.Channel], e.raw)
			}
		}
		for channel := range l.position {
			position[channel], epoch[channel] = l.position[channel], l.epoch[channel]
		}
		l.leave(r)
	}
}

func (l *line) leave(r *rand.Rand) {
	if r.IntN(2) == 0 {
		_ = l.socket.Close(websocket.StatusNormalClosure, "")
	} else {
		_ = l.socket.CloseNow()
	}
}

// settle brings every durable subscriber to the end of its channels on nodes
// that work, and checks what came out.
func (w *world) settle() {
	r := rand.New(rand.NewPCG(w.seed, 50))
	tails := make(map[string]uint64)
	for _, channel := range channels {
		c, err := w.node(r).engine.Channel(w.t.Context(), channel)
		if err != nil {
			w.t.Fatal(err)
		}
		tails[channel] = c.LastSeq
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	for _, subscriber := range []string{"ada", "eve", "kim"} {
		for number := 0; ; number++ {
			done, err := w.finish(ctx, r, subscriber, number, tails)
			if done {
				break
			}
			if ctx.Err() != nil {
				w.t.Fatalf("%s does not come to the end: %v", subscriber, err)
			}
		}
	}
	w.record.verify(tails)
}

func (w *world) finish(ctx context.Context, r *rand.Rand, subscriber string, number int, tails map[string]uint64) (bool, error) {
	l, err := w.connect(ctx, w.node(r), subscriber, 1000+number)
	if err != nil {
		return false, err
	}
	defer func() { _ = l.socket.CloseNow() }()
	behind := func() bool {
		for channel, tail := range tails {
			if l.position[channel] < tail {
				return true
			}
		}
		return false
	}
	for len(l.position) == 0 || behind() {
		e, err := l.next(ctx)
		if err != nil {
			return false, err
		}
		if e.Channel == "" || e.Type == "closing" {
			continue
		}
		if err := l.ack(ctx, e.Channel, l.position[e.Channel]); err != nil {
			return false, errors.Join(err, ctx.Err())
		}
	}
	return true, nil
}
