//go:build linux

package benchtest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// client is a WebSocket client that does as little as one can, so that a
// measurement is the server's: of a frame it looks at the beginning and the length.
type client struct {
	net.Conn
	reader   *bufio.Reader
	messages int // that came
	gaps     int // frames that told of messages that will not come
	sampled  *sample
}

// sample is what is looked at closely, on some of the clients.
type sample struct {
	latencies []float64 // in milliseconds
	newest    map[string]int
	disorder  error
}

// errEnd is what read answers for the message that ends a measurement.
var errEnd = errors.New("the end")

func dial(n *node, query string) (*client, error) {
	conn, err := net.Dial("tcp", n.http)
	if err != nil {
		return nil, err
	}
	if n.authority != nil {
		conn = tls.Client(conn, &tls.Config{RootCAs: n.authority, ServerName: "localhost"})
	}
	c := &client{Conn: conn, reader: bufio.NewReaderSize(conn, 8<<10)}
	if err := c.upgrade(query); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("upgrading: %w", err)
	}
	return c, nil
}

func (c *client) upgrade(query string) error {
	_, err := fmt.Fprintf(c, "GET /ws?%s HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n", query)
	if err != nil {
		return err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols {
		return errors.New(response.Status)
	}
	return nil
}

// send writes a text frame, masked with zeros (RFC 6455 §5.3).
func (c *client) send(text string) error {
	frame := []byte{0x81, 0x80 | 126}
	frame = binary.BigEndian.AppendUint16(frame, uint16(len(text)))
	frame = append(frame, 0, 0, 0, 0)
	_, err := c.Write(append(frame, text...))
	return err
}

// frame reads the next frame. What it answers is valid until the next call.
func (c *client) frame() ([]byte, error) {
	head, err := c.reader.Peek(2)
	if err != nil {
		return nil, err
	}
	start, length := 2, int(head[1]&0x7f)
	if length == 126 {
		if head, err = c.reader.Peek(4); err != nil {
			return nil, err
		}
		start, length = 4, int(binary.BigEndian.Uint16(head[2:]))
	}
	whole, err := c.reader.Peek(start + length)
	if err != nil {
		return nil, fmt.Errorf("a frame of %d bytes: %w", length, err)
	}
	_, _ = c.reader.Discard(len(whole))
	return whole[start:], nil
}

// skip reads frames that do not count.
func (c *client) skip(n int) error {
	for range n {
		if _, err := c.frame(); err != nil {
			return err
		}
	}
	return nil
}

var (
	messageStart = []byte(`{"type":"message"`)
	gapStart     = []byte(`{"type":"gap"`)
)

// shortest is the least length of a frame that carries a measured payload.
const shortest = payloadSize

// read reads a frame and counts it.
func (c *client) read() error {
	frame, err := c.frame()
	switch {
	case err != nil:
		return err
	case bytes.HasPrefix(frame, gapStart):
		c.gaps++
	case !bytes.HasPrefix(frame, messageStart):
		return fmt.Errorf("unexpected %.200s", frame)
	case len(frame) < shortest:
		return errEnd
	default:
		c.messages++
		if c.sampled != nil {
			c.sampled.look(frame)
		}
	}
	return nil
}

// look notes how long a message was on its way, and whether it comes after those
// that its publisher sent before.
func (s *sample) look(frame []byte) {
	now := time.Now().UnixNano()
	publisher := field(frame, `"p":`)
	k, at := integer(field(frame, `"k":`)), integer(field(frame, `"at":`))
	if newest, seen := s.newest[publisher]; seen && k <= newest {
		s.disorder = fmt.Errorf("of publisher %s message %d came after %d", publisher, k, newest)
	}
	s.newest[publisher] = k
	s.latencies = append(s.latencies, float64(now-int64(at))/1e6)
}

// field finds the number after a key.
func field(frame []byte, key string) string {
	_, rest, _ := bytes.Cut(frame, []byte(key))
	return string(rest[:bytes.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })])
}

func integer(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}
