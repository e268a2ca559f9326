package bench_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"pushgate/push/wire"
)

// socket is a WebSocket client that does as little as one can, so that a
// measurement is the server's: it counts frames and looks into none.
type socket struct {
	net.Conn
	reader *bufio.Reader
	bytes  int // of the frames that were skipped
}

func newSocket(conn net.Conn) *socket {
	return &socket{Conn: conn, reader: bufio.NewReaderSize(conn, 16<<10)}
}

func dial(b *testing.B, address, query string) *socket {
	b.Helper()
	return dialWith(b, address, query, "")
}

// dialWith connects with further header lines, each with its end.
func dialWith(b *testing.B, address, query, lines string) *socket {
	b.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	s := newSocket(conn)
	_, err = fmt.Fprintf(conn, "GET /ws?%s HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n%s\r\n", query, lines)
	if err != nil {
		b.Fatal(err)
	}
	response, err := http.ReadResponse(s.reader, nil)
	if err != nil {
		b.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols {
		b.Fatal(response.Status)
	}
	return s
}

// send writes a text frame, masked with zeros (RFC 6455 §5.3).
func (s *socket) send(text string) error {
	frame := []byte{0x81, 0x80 | 126}
	frame = binary.BigEndian.AppendUint16(frame, uint16(len(text)))
	frame = append(frame, 0, 0, 0, 0)
	_, err := s.Write(append(frame, text...))
	return err
}

// skip reads n frames.
func (s *socket) skip(n int) error {
	for range n {
		head, err := s.reader.Peek(2)
		if err != nil {
			return err
		}
		size, length := 2, int(head[1]&0x7f)
		switch length {
		case 126:
			size, length = 4, 0
		case 127:
			return fmt.Errorf("a frame of more than 64 KiB")
		}
		if size == 4 {
			if head, err = s.reader.Peek(4); err != nil {
				return err
			}
			length = int(binary.BigEndian.Uint16(head[2:]))
		}
		if _, err := s.reader.Discard(size + length); err != nil {
			return err
		}
		s.bytes += size + length
	}
	return nil
}

// TestSocketCountsFrames keeps the client itself honest.
func TestSocketCountsFrames(t *testing.T) {
	near, far := net.Pipe()
	s := newSocket(far)
	go func() {
		for _, e := range []wire.Event{wire.Pong{}, &wire.Message{Channel: "a", Data: payload}, wire.Pong{}} {
			_, _ = near.Write(wire.Encode(e).Bytes)
		}
		_ = near.Close()
	}()
	if err := s.skip(3); err != nil {
		t.Fatal(err)
	}
	if err := s.skip(1); err != io.EOF {
		t.Fatalf("got %v after the last frame", err)
	}
}
