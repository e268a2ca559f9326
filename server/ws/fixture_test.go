package ws_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"pushgate/push"
	"pushgate/server/certificate/certificatetest"
	"pushgate/server/front"
	"pushgate/server/ws"
	"pushgate/store/sqlite"
)

// patience bounds every wait of a test; nothing is expected to take so long.
const patience = 30 * time.Second

// node is one node. stop may be called before the test's end.
type node struct {
	t      *testing.T
	engine *push.Engine
	server *ws.Server
	http   *httptest.Server
	stop   func()

	registry  *prometheus.Registry
	authority *certificatetest.Authority // nil: plain text
}

// setup is what a test may change of a node.
type setup struct {
	push.Config
	options    ws.Options
	sendBuffer int // of each connection's socket; 0 leaves it to the system
	listener   net.Listener
	bare       bool // requests come through net/http
	secure     bool // by TLS
}

// buffered sets how much each accepted socket takes.
type buffered struct {
	net.Listener
	size int
}

func (b buffered) Accept() (net.Conn, error) {
	c, err := b.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return c, c.(*net.TCPConn).SetWriteBuffer(b.size)
}

type setting func(*setup)

func start(t *testing.T, settings ...setting) *node {
	t.Helper()
	return startIn(t, filepath.Join(t.TempDir(), "pushgate.db"), settings...)
}

// startIn starts a node on the SQLite file at path, which may be there already.
func startIn(t *testing.T, path string, settings ...setting) *node {
	t.Helper()
	s, closeStore := openSQLite(t, path)
	n := startOn(t, s, settings...)
	stop := n.stop
	n.stop = func() {
		stop()
		closeStore()
	}
	return n
}

func openSQLite(t *testing.T, path string) (*sqlite.Store, func()) {
	t.Helper()
	s, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, stop
}

// startOn starts a node on a store that stays the caller's.
func startOn(t *testing.T, s push.Store, settings ...setting) *node {
	t.Helper()
	cfg := setup{Config: push.DefaultConfig()}
	cfg.SweepInterval, cfg.RetentionInterval = 50*time.Millisecond, 50*time.Millisecond
	registry := prometheus.NewRegistry()
	cfg.Registry = registry
	for _, set := range settings {
		set(&cfg)
	}
	engine, err := push.New(s, cfg.Config)
	if err != nil {
		t.Fatal(err)
	}
	engine.Start()
	n := &node{t: t, engine: engine, registry: registry}
	cfg.options.MaxFrame, cfg.options.Logger = cfg.MaxFrame, cfg.Logger
	// Where time is simulated (synctest) nothing may wait for the system; such tests bring a listener.
	cfg.options.Epoll = cfg.listener == nil && os.Getenv("PUSHGATE_TEST_POLLER") != "runtime"
	n.server = ws.New(engine, cfg.options)
	n.http = httptest.NewUnstartedServer(n.server)
	if cfg.listener != nil {
		_ = n.http.Listener.Close()
		n.http.Listener = cfg.listener
	}
	if cfg.sendBuffer > 0 {
		n.http.Listener = buffered{n.http.Listener, cfg.sendBuffer}
	}
	if cfg.listener == nil && os.Getenv("PUSHGATE_TEST_TLS") != "" {
		cfg.secure = true
	}
	if cfg.secure {
		n.authority = certificatetest.New(t)
		pair, err := tls.LoadX509KeyPair(n.authority.Issue(t.TempDir(), "node", time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		n.http.Listener = tls.NewListener(n.http.Listener, &tls.Config{Certificates: []tls.Certificate{pair}})
	}
	if !cfg.bare {
		n.http.Listener = front.Listen(n.http.Listener, front.Options{Path: "/ws", Handler: n.server, MaxHead: 16 << 10, Timeout: patience})
	}
	n.http.Start()
	n.stop = func() {
		n.server.Close()
		n.http.Close()
		n.engine.Stop()
	}
	t.Cleanup(n.stop)
	return n
}

func (n *node) publish(channel, data string) push.Published {
	n.t.Helper()
	p, err := n.engine.Publish(n.t.Context(), push.Publication{Channel: channel, Data: []byte(data)})
	if err != nil {
		n.t.Fatal(err)
	}
	return p
}

// client is a WebSocket client that knows nothing but the protocol.
type client struct {
	t      *testing.T
	socket *websocket.Conn
}

type frame map[string]any

func (n *node) dial(query string) *client {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	socket, _, err := websocket.Dial(ctx, n.url()+"?"+query, &websocket.DialOptions{HTTPClient: n.client()})
	if err != nil {
		n.t.Fatal(err)
	}
	socket.SetReadLimit(-1)
	c := &client{t: n.t, socket: socket}
	n.t.Cleanup(func() { _ = socket.CloseNow() })
	return c
}

// url is where clients connect.
func (n *node) url() string { return strings.Replace(n.http.URL, "http", "ws", 1) + "/ws" }

// client makes requests of the node, by TLS if it speaks that.
func (n *node) client() *http.Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return n.over(conn), nil
	}}
	n.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// raw reads one frame as it came.
func (c *client) raw() ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, data, err := c.socket.Read(ctx)
	return data, err
}

func (c *client) next() frame {
	c.t.Helper()
	data, err := c.raw()
	if err != nil {
		c.t.Fatal(err)
	}
	var f frame
	if err := json.Unmarshal(data, &f); err != nil {
		c.t.Fatalf("%v in %s", err, data)
	}
	return f
}

// expect reads one frame and checks its type and the given fields.
func (c *client) expect(kind string, fields frame) frame {
	c.t.Helper()
	f := c.next()
	if f["type"] != kind {
		c.t.Fatalf("got %v, want type %s", f, kind)
	}
	for name, want := range fields {
		got, _ := json.Marshal(f[name])
		wanted, _ := json.Marshal(want)
		if string(got) != string(wanted) {
			c.t.Fatalf("%s: got %s, want %s, in %v", name, got, wanted, f)
		}
	}
	return f
}

func (c *client) send(f frame) {
	c.t.Helper()
	data, err := json.Marshal(f)
	if err != nil {
		c.t.Fatal(err)
	}
	c.text(data)
}

func (c *client) text(data []byte) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.socket.Write(ctx, websocket.MessageText, data); err != nil {
		c.t.Fatal(err)
	}
}

// subscribe opens a subscription and answers the subscribed frame.
func (c *client) subscribe(f frame) frame {
	c.t.Helper()
	f["type"], f["id"] = "subscribe", 1
	c.send(f)
	return c.expect("subscribed", frame{"id": 1, "channel": f["channel"]})
}

func (c *client) ack(channel string, seq uint64) {
	c.t.Helper()
	c.send(frame{"type": "ack", "channel": channel, "seq": seq})
	// The server works on frames in order: after the pong, the ack has been.
	c.send(frame{"type": "ping"})
	c.expect("pong", nil)
}

// messages expects messages from one seq to another, in order.
func (c *client) messages(channel string, from, to uint64) {
	c.t.Helper()
	for seq := from; seq <= to; seq++ {
		c.expect("message", frame{"channel": channel, "seq": seq})
	}
}

// closed expects the connection's end with a code.
func (c *client) closed(code int) {
	c.t.Helper()
	for {
		if _, err := c.raw(); err != nil {
			if got := websocket.CloseStatus(err); int(got) != code {
				c.t.Fatalf("closed by %v, want code %d", err, code)
			}
			return
		}
	}
}

// eventually waits for what nothing signals.
func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not come about")
		}
	}
}

// ends is how many connections have ended with a close code; 0 counts those that
// left without a word.
func (n *node) ends(code int) (count int) {
	n.t.Helper()
	families, err := n.registry.Gather()
	if err != nil {
		n.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "pushgate_connection_ends_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			if m.GetLabel()[1].GetValue() == strconv.Itoa(code) {
				count += int(m.GetCounter().GetValue())
			}
		}
	}
	return count
}
