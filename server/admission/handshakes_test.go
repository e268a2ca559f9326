package admission_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"pushgate/server/admission"
)

// site is an HTTP server with a bound of its handshakes. Requests of /in have a
// place, and are answered when the test says so.
type site struct {
	*gate
	address string
	leave   chan struct{}
}

func newSite(t *testing.T, limit int) *site {
	s := &site{gate: newGate(t, admission.Limits{}), leave: make(chan struct{})}
	h := admission.NewHandshakes(limit, s.Gate, s.registry)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/in" {
			admission.Arrived(r.Context())
			<-s.leave
		}
	})}
	h.Watch(server)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(h.Listener(l)); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		close(s.leave)
		_ = server.Close()
		serving.Wait()
		eventually(t, "no socket is left", func() bool { return s.pending() == 0 })
	})
	return s
}

func (s *site) pending() int { return int(s.metric("pushgate_pending_handshakes", "")) }

// open connects and sends the beginning of something.
func (s *site) open(text string) net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// answered says whether a request on a connection is.
func answered(c net.Conn, path string) error {
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// Clients that say nothing shut nobody out: the one that has said nothing for
// longest goes.
func TestSilentSocketsMakeRoom(t *testing.T) {
	s := newSite(t, 3)
	silent := []net.Conn{s.open(""), s.open("GET / HT"), s.open("GET / HTTP/1.1\r\nHost: a\r\n")}
	eventually(t, "all wait", func() bool { return s.pending() == 3 })
	for i := range silent {
		if err := answered(s.open(""), "/"); err != nil {
			t.Fatalf("the client after %d silent ones: %v", i, err)
		}
	}
	for i, c := range silent {
		if n, err := c.Read(make([]byte, 1)); err == nil || n > 0 {
			t.Errorf("the silent client %d reads %d bytes", i, n)
		}
	}
	if s.refused(admission.Handshake) < 3 {
		t.Errorf("%d are counted", s.refused(admission.Handshake))
	}
}

// One that makes room by itself is waited for.
func TestSocketsThatGoMakeRoom(t *testing.T) {
	s := newSite(t, 1)
	for range 5 {
		c := s.open("")
		eventually(t, "it waits", func() bool { return s.pending() == 1 })
		next := s.open("")
		_ = c.Close()
		if err := answered(next, "/"); err != nil {
			t.Fatal(err)
		}
		_ = next.Close()
	}
	if s.refused(admission.Handshake) > 0 {
		t.Errorf("%d were cut off", s.refused(admission.Handshake))
	}
}

// Those that have their place at the gate are no handshakes, until they come back.
func TestConnectionsAreNoHandshakes(t *testing.T) {
	s := newSite(t, 2)
	var inside sync.WaitGroup
	for range 5 {
		c := s.open("")
		inside.Go(func() {
			for _, path := range []string{"/in", "/"} {
				if err := answered(c, path); err != nil {
					t.Error(err)
				}
			}
			_ = c.Close()
		})
		eventually(t, "it is in", func() bool { return s.pending() == 0 })
	}
	if err := answered(s.open(""), "/"); err != nil {
		t.Error(err)
	}
	for range 5 {
		s.leave <- struct{}{}
	}
	inside.Wait()
}
