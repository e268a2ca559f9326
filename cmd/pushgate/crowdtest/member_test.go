package crowdtest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"pushgate/cmd/pushgate/pushgatetest"
)

// member is one client of a crowd: a WebSocket with little around it.
type member struct {
	conn   net.Conn
	reader *bufio.Reader
}

// refused is the answer to an upgrade that was not to be.
type refused struct {
	status int
	after  time.Duration
}

func (r *refused) Error() string { return fmt.Sprintf("refused with %d", r.status) }

// join connects. The source address is one of many of loopback, so that a crowd
// has enough ports.
func join(address, query string, number, receiveBuffer int) (*member, error) {
	source := &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+number%250))}
	dialer := net.Dialer{Timeout: pushgatetest.Patience, LocalAddr: source}
	conn, err := dialer.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	if receiveBuffer > 0 {
		if err := conn.(*net.TCPConn).SetReadBuffer(receiveBuffer); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	m := &member{conn: conn, reader: bufio.NewReaderSize(conn, 4<<10)}
	if err := m.upgrade(query); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return m, nil
}

func (m *member) upgrade(query string) error {
	if err := m.conn.SetDeadline(time.Now().Add(2 * pushgatetest.Patience)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(m.conn, "GET /ws?%s HTTP/1.1\r\nHost: crowd\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", query); err != nil {
		return err
	}
	response, err := http.ReadResponse(m.reader, nil)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode == http.StatusSwitchingProtocols {
		return m.conn.SetDeadline(time.Time{})
	}
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err != nil {
		return fmt.Errorf("status %d without a Retry-After: %w", response.StatusCode, err)
	}
	return &refused{response.StatusCode, time.Duration(seconds) * time.Second}
}

// hurry lets a member with a small receive buffer read at full speed.
func (m *member) hurry() error { return m.conn.(*net.TCPConn).SetReadBuffer(1 << 20) }

// frame is what a member looks at in a frame of the server.
type frame struct {
	Type, Channel, Reason string
	Seq, From, To         uint64
	Code                  int
}

// next reads a text frame, and answers pings on the way.
func (m *member) next() (f frame, err error) {
	payload, err := m.text()
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(payload, &f)
}

func (m *member) text() ([]byte, error) {
	for {
		opcode, payload, err := m.read()
		switch {
		case err != nil:
			return nil, err
		case opcode == 9:
			if err := m.write(0x8a, payload); err != nil {
				return nil, err
			}
		case opcode == 8:
			return nil, fmt.Errorf("closed with %d", binary.BigEndian.Uint16(payload))
		default:
			return payload, nil
		}
	}
}

func (m *member) read() (opcode byte, payload []byte, err error) {
	if err := m.conn.SetReadDeadline(time.Now().Add(2 * pushgatetest.Patience)); err != nil {
		return 0, nil, err
	}
	var head [2]byte
	if _, err := io.ReadFull(m.reader, head[:]); err != nil {
		return 0, nil, err
	}
	length := uint64(head[1])
	var more [8]byte
	switch length {
	case 126:
		_, err = io.ReadFull(m.reader, more[:2])
		length = uint64(binary.BigEndian.Uint16(more[:]))
	case 127:
		_, err = io.ReadFull(m.reader, more[:])
		length = binary.BigEndian.Uint64(more[:])
	}
	if err != nil {
		return 0, nil, err
	}
	if length > 8<<20 {
		return 0, nil, errors.New("the server's frames are out of step")
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(m.reader, payload)
	return head[0] & 0xf, payload, err
}

// write sends a frame of less than 126 bytes, masked with zeros.
func (m *member) write(first byte, payload []byte) error {
	frame := append([]byte{first, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
	_, err := m.conn.Write(frame)
	return err
}

// greeted reads what comes first, and fails unless it is that.
func (m *member) greeted(types ...string) error {
	for _, want := range types {
		f, err := m.next()
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", want, err)
		}
		if f.Type != want {
			return fmt.Errorf("got %+v, want %s", f, want)
		}
	}
	return nil
}

var messageStart = []byte(`{"type":"message",`)

// messages reads the messages of a range, and fails at anything else.
func (m *member) messages(from, to uint64) error {
	for seq := from; seq <= to; seq++ {
		payload, err := m.text()
		if err != nil {
			return fmt.Errorf("waiting for seq %d: %w", seq, err)
		}
		// A crowd cannot afford to parse everything.
		if !bytes.HasPrefix(payload, messageStart) || !bytes.Contains(payload[:min(len(payload), 64)], fmt.Appendf(nil, `"seq":%d,`, seq)) {
			return fmt.Errorf("got %.100s, want seq %d", payload, seq)
		}
	}
	return nil
}
