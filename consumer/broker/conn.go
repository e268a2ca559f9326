package broker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/segmentio/kafka-go"
)

// ErrVersion says that the broker is too old.
var ErrVersion = errors.New("the broker is too old: Kafka 3.1 or newer is needed")

// api is a kind of request in the version that is spoken here.
type api struct {
	key, version int16
	name         string
	flexible     bool
}

var (
	fetchAPI    = api{key: 1, version: 13, name: "Fetch", flexible: true}
	offsetsAPI  = api{key: 2, version: 5, name: "ListOffsets"}
	metadataAPI = api{key: 3, version: 12, name: "Metadata", flexible: true}
)

// maxResponse bounds what a broker can make this process allocate. A response
// holds at least one batch of records whatever was asked for, so it is far above
// the fetch size; bytes.
const maxResponse = 256 << 20

// Conn is a connection to one broker, for one goroutine at a time.
type Conn struct {
	conn        net.Conn
	dialer      *Dialer
	address     string
	correlation int32
}

// Close closes the connection.
func (c *Conn) Close() { _ = c.conn.Close() }

func (c *Conn) checkVersions(wrapped *kafka.Conn) error {
	versions, err := wrapped.ApiVersions()
	if err != nil {
		return fmt.Errorf("asking %s for its versions: %w", c.address, err)
	}
	for _, needed := range []api{fetchAPI, offsetsAPI, metadataAPI} {
		found := false
		for _, v := range versions {
			found = found || v.ApiKey == needed.key && v.MinVersion <= needed.version && needed.version <= v.MaxVersion
		}
		if !found {
			return fmt.Errorf("%s does not speak version %d of %s: %w", c.address, needed.version, needed.name, ErrVersion)
		}
	}
	return nil
}

// roundTrip sends a request and reads its response. After an error the
// connection cannot be used any more. wait is how long the broker may take
// beyond the usual.
func (c *Conn) roundTrip(ctx context.Context, a api, wait time.Duration, body func(*request)) (*response, error) {
	answer, err := c.exchange(ctx, a, wait, body)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("%s from %s: %w", a.name, c.address, err)
	}
	return answer, nil
}

func (c *Conn) exchange(ctx context.Context, a api, wait time.Duration, body func(*request)) (*response, error) {
	if err := c.conn.SetDeadline(time.Now().Add(c.dialer.Timeout + wait)); err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })()

	c.correlation++
	var r request
	r.int32(0) // the size, below
	r.int16(a.key)
	r.int16(a.version)
	r.int32(c.correlation)
	r.string(c.dialer.ClientID)
	if a.flexible {
		r.noTags()
	}
	body(&r)
	binary.BigEndian.PutUint32(r.b, uint32(len(r.b)-4))
	if _, err := c.conn.Write(r.b); err != nil {
		return nil, err
	}

	var head [4]byte
	if _, err := io.ReadFull(c.conn, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxResponse {
		return nil, fmt.Errorf("a response of %d bytes: %w", size, ErrMalformed)
	}
	answer := &response{b: make([]byte, size)}
	if err := c.read(ctx, answer.b); err != nil {
		return nil, err
	}
	if answer.int32() != c.correlation {
		return nil, fmt.Errorf("an answer to another request: %w", ErrMalformed)
	}
	if a.flexible {
		answer.tags()
	}
	return answer, nil
}

// readStep is what has to come within one time-out; bytes. A large answer over a
// slow line takes several.
const readStep = 256 << 10

func (c *Conn) read(ctx context.Context, into []byte) error {
	for len(into) > 0 {
		if err := c.conn.SetDeadline(time.Now().Add(c.dialer.Timeout)); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err // the deadline that says so may just have been overwritten
		}
		n, err := io.ReadFull(c.conn, into[:min(len(into), readStep)])
		if err != nil {
			return err
		}
		into = into[n:]
	}
	return nil
}
