package ws_test

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// rawClient speaks WebSocket byte by byte, as wrongly as a test wants.
type rawClient struct {
	t      *testing.T
	conn   net.Conn
	reader *bufio.Reader
}

const (
	opText   = 0x81 // FIN set
	opClose  = 0x88
	opPing   = 0x89
	opPong   = 0x8a
	opBinary = 0x82
)

// rawDial connects with a small receive buffer, and sends early in the same
// segment as the request.
func (n *node) rawDial(query string, early ...[]byte) *rawClient {
	n.t.Helper()
	return rawOver(n.t, n.tcp(), query, early...)
}

// tcp is a connection with a small receive buffer.
func (n *node) tcp() net.Conn {
	n.t.Helper()
	dialer := net.Dialer{Timeout: patience}
	conn, err := dialer.DialContext(n.t.Context(), "tcp", n.http.Listener.Addr().String())
	if err != nil {
		n.t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		n.t.Fatal(err)
	}
	return n.over(conn)
}

// wide is a connection with the buffers that the system gives.
func (n *node) wide() net.Conn {
	n.t.Helper()
	conn, err := net.Dial("tcp", n.http.Listener.Addr().String())
	if err != nil {
		n.t.Fatal(err)
	}
	return conn
}

// over is what a client speaks over a connection: TLS if the node does.
func (n *node) over(conn net.Conn) net.Conn {
	if n.authority == nil {
		return conn
	}
	return tls.Client(conn, &tls.Config{RootCAs: n.authority.Pool(), ServerName: "localhost"})
}

// ways are those in which requests and frames can come.
var ways = map[string]setting{
	"plain":                   func(*setup) {},
	"through net/http":        func(s *setup) { s.bare = true },
	"by TLS":                  func(s *setup) { s.secure = true },
	"by TLS through net/http": func(s *setup) { s.secure, s.bare = true, true },
}

// rawOver is a rawClient on a connection that is there already.
func rawOver(t *testing.T, conn net.Conn, query string, early ...[]byte) *rawClient {
	t.Helper()
	c, _ := rawUpgrade(t, conn, query, "", early...)
	return c
}

// rawUpgrade asks with further header lines, each with its end, and answers the
// header of the response too.
func rawUpgrade(t *testing.T, conn net.Conn, query, lines string, early ...[]byte) (*rawClient, http.Header) {
	t.Helper()
	t.Cleanup(func() { _ = conn.Close() })
	c := &rawClient{t: t, conn: conn, reader: bufio.NewReader(conn)}
	request := fmt.Appendf(nil, "GET /ws?%s HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n%s\r\n", query, lines)
	for _, e := range early {
		request = append(request, e...)
	}
	c.write(request)
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("upgrade: %v, %v", response, err)
	}
	_ = response.Body.Close()
	return c, response.Header
}

func (c *rawClient) write(data []byte) {
	c.t.Helper()
	if err := c.conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.conn.Write(data); err != nil {
		c.t.Fatal(err)
	}
}

// masked is a client's frame with the given first byte.
func masked(first byte, payload string) []byte {
	frame := []byte{first}
	switch n := len(payload); {
	case n < 126:
		frame = append(frame, 0x80|byte(n))
	case n < 1<<16:
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(n))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, 0x80|127), uint64(n))
	}
	mask := [4]byte{1, 2, 3, 4}
	frame = append(frame, mask[:]...)
	for i := range len(payload) {
		frame = append(frame, payload[i]^mask[i%4])
	}
	return frame
}

// read reads one frame of the server, which must be a sound one.
func (c *rawClient) read() (first byte, payload []byte, err error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, nil, err
	}
	var head [2]byte
	if _, err := io.ReadFull(c.reader, head[:]); err != nil {
		return 0, nil, err
	}
	length := uint64(head[1])
	switch length {
	case 126:
		var b [2]byte
		_, err = io.ReadFull(c.reader, b[:])
		length = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		_, err = io.ReadFull(c.reader, b[:])
		length = binary.BigEndian.Uint64(b[:])
	}
	if err != nil {
		return 0, nil, err
	}
	if length > 8<<20 {
		return 0, nil, errors.New("the server's frames are out of step")
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(c.reader, payload)
	return head[0], payload, err
}

// expect reads one frame and checks its first byte and, of a text frame, its type.
func (c *rawClient) expect(first byte, kind string) []byte {
	c.t.Helper()
	op, payload, err := c.read()
	if err != nil || op != first {
		c.t.Fatalf("read %#x %q, %v; want %#x", op, payload, err, first)
	}
	if kind != "" {
		var f frame
		if err := json.Unmarshal(payload, &f); err != nil || f["type"] != kind {
			c.t.Fatalf("read %s, %v; want type %s", payload, err, kind)
		}
	}
	return payload
}

// closed reads to the end, and checks that a close frame with a code is the last.
func (c *rawClient) closed(code uint16) {
	c.t.Helper()
	got := uint16(0)
	for {
		op, payload, err := c.read()
		if err != nil {
			break
		}
		if got != 0 {
			c.t.Fatalf("%#x %q after the close frame", op, payload)
		}
		if op == opClose {
			got = binary.BigEndian.Uint16(payload)
		}
	}
	if got != code {
		c.t.Fatalf("closed by %d, want %d", got, code)
	}
}

// catchUp lets the client read at full speed from now on.
func (c *rawClient) catchUp() {
	c.t.Helper()
	if err := tcp(c.conn).SetReadBuffer(1 << 20); err != nil {
		c.t.Fatal(err)
	}
}

// tcp is what is under a connection.
func tcp(conn net.Conn) *net.TCPConn {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	return conn.(*net.TCPConn)
}
