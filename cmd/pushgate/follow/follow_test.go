package follow_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"pushgate/cmd/pushgate/follow"
)

// peer is the server's side of one connection.
type peer struct {
	t      *testing.T
	socket *websocket.Conn
}

func (p peer) send(frames ...string) {
	for _, frame := range frames {
		if err := p.socket.Write(context.Background(), websocket.MessageText, []byte(frame)); err != nil {
			p.t.Errorf("sending %s: %v", frame, err)
		}
	}
}

func (p peer) expect(want string) {
	_, got, err := p.socket.Read(context.Background())
	if err != nil || string(got) != want {
		p.t.Errorf("the client sent %s, not %s: %v", got, want, err)
	}
}

// script answers the first connection by its first function, and so on.
func script(t *testing.T, connections ...func(p peer)) string {
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if len(connections) == 0 {
			http.Error(w, "no more", http.StatusForbidden)
			return
		}
		next := connections[0]
		connections = connections[1:]
		if next == nil {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if query := r.URL.Query(); query.Get("restore") != "none" {
			t.Errorf("the client restores all: %s", r.URL)
		}
		socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"pushgate.v1.json"}})
		if err != nil {
			t.Errorf("accepting: %v", err)
			return
		}
		defer func() { _ = socket.CloseNow() }()
		next(peer{t: t, socket: socket})
	}))
	t.Cleanup(server.Close)
	return "ws" + strings.TrimPrefix(server.URL, "http")
}

// journal notes what the client hands out; it stops after the message last.
type journal struct {
	entries []string
	last    uint64
}

func (j *journal) options(url string) follow.Options {
	return follow.Options{
		URL: url, Channels: []string{"news"},
		Message: func(m follow.Message) error {
			j.entries = append(j.entries, fmt.Sprintf("%d %s", m.Seq, m.Data))
			if m.Seq == j.last {
				return follow.ErrStop
			}
			return nil
		},
		Gap:  func(g follow.Gap) { j.entries = append(j.entries, fmt.Sprintf("gap %d-%d %s", g.From, g.To, g.Reason)) },
		Note: func(string) {},
	}
}

func (j *journal) check(t *testing.T, want ...string) {
	t.Helper()
	if a, b := strings.Join(j.entries, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("got:\n%s\nwant:\n%s", a, b)
	}
}

const connected = `{"type":"connected","connection":"c","heartbeat":25}`

func subscribed(epoch string, cursor int) string {
	return fmt.Sprintf(`{"type":"subscribed","id":1,"channel":"news","epoch":%q,"seq":9,"cursor":%d}`, epoch, cursor)
}

func message(seq int) string {
	return fmt.Sprintf(`{"type":"message","channel":"news","seq":%d,"data":"m%d"}`, seq, seq)
}

func TestGoesOnWhereItWas(t *testing.T) {
	url := script(t,
		func(p peer) {
			p.send(connected)
			p.expect(`{"type":"subscribe","id":1,"channel":"news","from":"earliest"}`)
			p.send(subscribed("e", 2), `{"type":"gap","channel":"news","from":3,"to":4,"reason":"expired"}`, message(5), message(0))
			_ = p.socket.Close(websocket.StatusInternalError, "internal error")
		},
		func(p peer) {
			p.send(connected)
			p.expect(`{"type":"subscribe","id":1,"channel":"news","from":5,"epoch":"e"}`)
			p.send(subscribed("e", 5), message(5), message(6))
			// Cut off, without a close.
		},
		func(p peer) { // the numbering has started again
			p.send(connected)
			p.expect(`{"type":"subscribe","id":1,"channel":"news","from":6,"epoch":"e"}`)
			p.send(subscribed("f", 0), `{"type":"gap","channel":"news","from":1,"to":6,"reason":"epoch"}`, message(1), message(2))
			_, _, _ = p.socket.Read(context.Background())
		},
	)
	j := &journal{last: 2}
	o := j.options(url)
	o.From = "earliest"
	if err := follow.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	j.check(t, "gap 3-4 expired", `5 "m5"`, `0 "m0"`, `6 "m6"`, "gap 1-6 epoch", `1 "m1"`, `2 "m2"`)
}

func TestAcksWhatWasHandled(t *testing.T) {
	url := script(t,
		func(p peer) {
			p.send(connected)
			p.expect(`{"type":"subscribe","id":1,"channel":"news"}`)
			p.send(subscribed("e", 0), message(1))
			p.expect(`{"type":"ack","channel":"news","seq":1}`)
			p.send(message(2))
			_ = p.socket.CloseNow() // the ack of 2 may be lost
		},
		func(p peer) {
			p.send(connected)
			p.expect(`{"type":"subscribe","id":1,"channel":"news"}`)
			// The server has forgotten the first ack too: it is told what it sends now,
			// not what it sent once.
			p.send(subscribed("e", 0), message(1))
			p.expect(`{"type":"ack","channel":"news","seq":1}`)
			p.send(message(2))
			p.expect(`{"type":"ack","channel":"news","seq":2}`)
			p.send(message(3))
			p.expect(`{"type":"ack","channel":"news","seq":3}`)
			_, _, _ = p.socket.Read(context.Background())
		},
	)
	j := &journal{last: 3}
	o := j.options(url)
	o.Subscriber = "ada"
	if err := follow.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	j.check(t, `1 "m1"`, `2 "m2"`, `3 "m3"`)
}

func closing(reconnect bool) func(p peer) {
	return func(p peer) {
		p.send(connected)
		p.expect(`{"type":"subscribe","id":1,"channel":"news"}`)
		p.send(subscribed("e", 0), fmt.Sprintf(`{"type":"closing","code":1001,"reason":"draining","reconnect":%t,"retryAfter":300}`, reconnect))
		_ = p.socket.Close(websocket.StatusGoingAway, "draining")
	}
}

func last(p peer) {
	p.send(connected)
	_, _, _ = p.socket.Read(context.Background())
	p.send(subscribed("e", 0), message(1))
	_, _, _ = p.socket.Read(context.Background())
}

func TestWaitsAsLongAsItIsTold(t *testing.T) {
	j := &journal{last: 1}
	began := time.Now()
	if err := follow.Run(t.Context(), j.options(script(t, closing(true), last))); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("it came back after %s", took)
	}
	began = time.Now()
	if err := follow.Run(t.Context(), j.options(script(t, nil, last))); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("it came back %s after a refusal", took)
	}
}

func TestStaysAway(t *testing.T) {
	for _, test := range []struct {
		name   string
		server func(p peer)
		want   string
	}{
		{"told to", closing(false), "the server closed the connection: 1001 draining"},
		{"forbidden", func(p peer) { _ = p.socket.Close(4403, "forbidden") }, "the server closed the connection: 4403 forbidden"},
		{"no token", func(p peer) { _ = p.socket.Close(4401, "unauthenticated") }, "the server closed the connection: 4401 unauthenticated"},
		{"refused", func(p peer) {
			p.send(connected, `{"type":"error","id":1,"code":"permission_denied","message":"not yours"}`)
			_, _, _ = p.socket.Read(context.Background())
			_, _, _ = p.socket.Read(context.Background())
		}, "news: permission_denied: not yours"},
		{"closed", func(p peer) {
			p.send(connected, `{"type":"unsubscribed","channel":"news","reason":"server"}`)
			_, _, _ = p.socket.Read(context.Background())
			_, _, _ = p.socket.Read(context.Background())
		}, "news: the server closed the subscription (server)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := follow.Run(t.Context(), (&journal{}).options(script(t, test.server))); err == nil || err.Error() != test.want {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What Message has not handled is not acked.
func TestMessageFails(t *testing.T) {
	url := script(t, func(p peer) {
		p.send(connected)
		p.expect(`{"type":"subscribe","id":1,"channel":"news"}`)
		p.send(subscribed("e", 0), message(1))
		if _, frame, err := p.socket.Read(context.Background()); err == nil {
			t.Errorf("the client sent %s", frame)
		}
	})
	o := (&journal{}).options(url)
	o.Subscriber = "ada"
	failure := errors.New("disk full")
	o.Message = func(follow.Message) error { return failure }
	if err := follow.Run(t.Context(), o); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
}
