package limittest

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"pushgate/cmd/pushgate/pushgatetest"
)

// socket is a WebSocket client that only reads, and costs little, so that there
// can be many.
type socket struct {
	net.Conn
	reader *bufio.Reader
}

// refusal is an upgrade that was answered otherwise.
type refusal struct {
	status     int
	retryAfter time.Duration
	Code       string
	Message    string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("HTTP %d: %s: %s, retry after %s", r.status, r.Code, r.Message, r.retryAfter)
}

// busy says whether it is the refusal of a limit.
func (r *refusal) busy() bool {
	return r.status == http.StatusServiceUnavailable && r.retryAfter >= time.Second && r.retryAfter <= 5*time.Second &&
		len(r.Message) > 13 && r.Message[:13] == "server busy: "
}

// dial connects; begin is sent before anything else. The error may be a *refusal.
func dial(address, query, begin string) (*socket, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(2 * pushgatetest.Patience))
	s := &socket{Conn: conn, reader: bufio.NewReaderSize(conn, 512)}
	err = s.upgrade(query, begin)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *socket) upgrade(query, begin string) error {
	_, err := io.WriteString(s, begin+"GET /ws?"+query+" HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n")
	if err != nil {
		return err
	}
	response, err := http.ReadResponse(s.reader, nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	r := &refusal{status: response.StatusCode}
	seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
	r.retryAfter = time.Duration(seconds) * time.Second
	if err := json.NewDecoder(response.Body).Decode(r); err != nil {
		return err
	}
	return r
}

// frame is any frame of the server.
type frame struct {
	Type string `json:"type"`
	Seq  uint64 `json:"seq"`
}

// next reads one text frame.
func (s *socket) next() (frame, error) {
	var f frame
	var head [2]byte
	for {
		if _, err := io.ReadFull(s.reader, head[:]); err != nil {
			return f, err
		}
		length := uint64(head[1] & 0x7f)
		if length == 126 {
			var long [2]byte
			if _, err := io.ReadFull(s.reader, long[:]); err != nil {
				return f, err
			}
			length = uint64(binary.BigEndian.Uint16(long[:]))
		}
		data := make([]byte, length)
		if _, err := io.ReadFull(s.reader, data); err != nil {
			return f, err
		}
		if head[0]&0xf == 1 {
			return f, json.Unmarshal(data, &f)
		}
	}
}

// messages expects messages of one channel, first the one after the connected
// and subscribed frames.
func (s *socket) messages(from, to uint64) error {
	for want := from; want <= to; {
		switch f, err := s.next(); {
		case err != nil:
			return fmt.Errorf("waiting for message %d: %w", want, err)
		case f.Type == "message" && f.Seq == want:
			want++
		case f.Type != "connected" && f.Type != "subscribed":
			return fmt.Errorf("got %+v, want message %d", f, want)
		}
	}
	return nil
}

func (n *node) dial(query string) *socket {
	n.t.Helper()
	s, err := dial(n.HTTP, query, "")
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = s.Close() })
	return s
}

// try connects, or answers how that was refused, which has to be by a limit.
func (n *node) try(query string) (*socket, *refusal) {
	n.t.Helper()
	s, err := dial(n.HTTP, query, "")
	switch r, refused := err.(*refusal); {
	case err == nil:
		n.t.Cleanup(func() { _ = s.Close() })
		return s, nil
	case !refused || !r.busy():
		n.t.Fatal(err)
		return nil, nil
	default:
		return nil, r
	}
}
