package follow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/coder/websocket"
)

const (
	subprotocol = "pushgate.v1.json"
	patience    = 10 * time.Second // with a handshake, a write, a ping
	maxFrame    = 64 << 20         // bytes of a frame of the server
	maxRefusal  = 1024             // bytes of the body of a refusal that are looked at
)

// dial does the handshake.
func (f *follower) dial(ctx context.Context) (*websocket.Conn, error) {
	address, err := url.Parse(f.URL)
	if err != nil {
		return nil, fmt.Errorf("%q is not a URL", f.URL)
	}
	query := address.Query()
	// Only the channels that were asked for, not all that are stored.
	query.Set("restore", "none")
	header := http.Header{}
	if f.Token != "" {
		header.Set("Authorization", "Bearer "+f.Token)
	} else if f.Subscriber != "" {
		query.Set("subscriber", f.Subscriber)
	}
	address.RawQuery = query.Encode()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: f.TLS}
	defer transport.CloseIdleConnections()
	conn, response, err := websocket.Dial(ctx, address.String(), &websocket.DialOptions{
		Subprotocols: []string{subprotocol}, HTTPClient: &http.Client{Transport: transport}, HTTPHeader: header,
	})
	if err != nil {
		return nil, refusal(response, err)
	}
	conn.SetReadLimit(maxFrame)
	return conn, nil
}

// refusal tells a server that is busy from one that will never take this client.
func refusal(response *http.Response, err error) error {
	if response == nil {
		for inner := err; inner != nil; inner = errors.Unwrap(inner) {
			err = inner
		}
		return &interruption{cause: err}
	}
	var body struct {
		Message string `json:"message"`
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, maxRefusal))
	cause := errors.New(response.Status)
	if json.Unmarshal(text, &body) == nil && body.Message != "" {
		cause = errors.New(body.Message)
	}
	if response.StatusCode < http.StatusInternalServerError && response.StatusCode != http.StatusTooManyRequests {
		return fmt.Errorf("the server refuses the connection: %w", cause)
	}
	seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
	return &interruption{cause: cause, after: time.Duration(seconds) * time.Second}
}
