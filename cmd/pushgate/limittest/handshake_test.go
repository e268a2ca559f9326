package limittest

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"pushgate/cmd/pushgate/pushgatetest"
)

// knock opens a connection and sends the beginning of something.
func (n *node) knock(text string) net.Conn {
	n.t.Helper()
	c, err := net.Dial("tcp", n.HTTP)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(2 * pushgatetest.Patience))
	if _, err := io.WriteString(c, text); err != nil {
		n.t.Fatal(err)
	}
	return c
}

// gone waits until the server has closed a connection.
func gone(c net.Conn) error {
	_, err := io.Copy(io.Discard, c)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return err
	}
	return nil
}

// Clients that send their request one byte after the other, without an end, keep
// nobody out.
func TestSlowLoris(t *testing.T) {
	t.Parallel()
	n := start(t, with("--limits-handshakes=20", "--heartbeat-interval=1h"))
	connected := n.dial("channel=news")
	stop := make(chan struct{})
	defer close(stop)
	for range 60 {
		c := n.knock("G")
		go func() {
			pace := time.NewTicker(100 * time.Millisecond)
			defer pace.Stop()
			for _, b := range []byte("ET /ws HTTP/1.1\r\nHost: " + strings.Repeat("a", 4000)) {
				select {
				case <-pace.C:
				case <-stop:
					return
				}
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
			}
		}()
	}
	for i := range uint64(5) {
		s := n.dial("channel=news")
		if _, err := s.next(); err != nil {
			t.Fatal(err)
		}
		n.send("news", `1`)
		if err := connected.messages(i+1, i+1); err != nil {
			t.Fatal(err)
		}
	}
	if n.refused("handshake") == 0 {
		t.Error("the metric does not show it")
	}
}

// Without others who want in, a handshake has the time that the setting says.
func TestHandshakeTimeout(t *testing.T) {
	t.Parallel()
	n := start(t, with("--http-handshake-timeout=500ms"))
	var silent []net.Conn
	for _, text := range []string{"", "G", "GET /ws HTTP/1.1\r\n", "GET /ws HTTP/1.1\r\nHost: a\r\n"} {
		for range 50 {
			silent = append(silent, n.knock(text))
		}
	}
	for _, c := range silent {
		if err := gone(c); err != nil {
			t.Fatal(err)
		}
	}
	n.eventually("no socket is left", func() bool { return n.metric("pushgate_pending_handshakes") <= 1 })
	n.dial("")
}

func TestHeaderSize(t *testing.T) {
	t.Parallel()
	n := start(t, with("--http-max-header=2KiB"))
	for size, want := range map[int]string{1 << 10: "HTTP/1.1 200", 8 << 10: "HTTP/1.1 431"} {
		c := n.knock("GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", size) + "\r\n\r\n")
		head := make([]byte, len(want))
		if _, err := io.ReadFull(c, head); err != nil || string(head) != want {
			t.Errorf("%d bytes: %s, %v", size, head, err)
		}
	}
}
