package web_test

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pushgate/push"
	"pushgate/server/admission"
	"pushgate/server/web"
)

// patience bounds every wait of a test, in the time of its bubble.
const patience = time.Hour

// nowhere is a store that nothing is asked of.
type nowhere struct{ push.Store }

// node serves clients and operators in a bubble (testing/synctest): on networks of its own.
type node struct {
	t                  *testing.T
	clients, operators *network
}

const secret = "a secret that operators know"

// inBubble runs a test of a node. Operators need the secret unless open.
func inBubble(t *testing.T, open bool, test func(n *node)) {
	synctest.Test(t, func(t *testing.T) {
		registry, logger := prometheus.NewRegistry(), slog.New(slog.DiscardHandler)
		c := push.DefaultConfig()
		c.Registry = registry
		engine, err := push.New(nowhere{}, c)
		if err != nil {
			t.Fatal(err)
		}
		gate := admission.NewGate(admission.Limits{}, logger, registry)
		clients, err := web.New(engine, web.Options{
			Logger: logger, Registry: registry, MaxFrame: c.MaxFrame, Operational: true, Local: true, Pprof: true,
			HandshakeTimeout: 10 * time.Second, MaxHeader: 16 << 10, PongTimeout: patience,
			Gate: gate, Handshakes: admission.NewHandshakes(1000, gate, registry),
		})
		if err != nil {
			t.Fatal(err)
		}
		o := web.OperationsOptions{Registry: registry, Pprof: true, Loopback: true, Failures: admission.NewFailures(20), Gate: gate, Logger: logger}
		if !open {
			o.Secret = secret
		}
		operators := web.NewOperations(clients, o)
		n := &node{t: t, clients: newNetwork(), operators: newNetwork()}
		var serving sync.WaitGroup
		serving.Go(func() { noError(t, clients.Serve(n.clients)) })
		serving.Go(func() { noError(t, operators.Serve(n.operators)) })
		defer func() {
			clients.Close()
			operators.Close()
			serving.Wait()
		}()
		test(n)
	})
}

func noError(t *testing.T, err error) {
	if err != nil {
		t.Error(err)
	}
}

// network is a listener to which one connects from any address.
type network struct {
	coming chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func newNetwork() *network { return &network{coming: make(chan net.Conn), closed: make(chan struct{})} }

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.coming:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

func (n *network) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9091} }

// dial connects from an address, when it is accepted; nil when the listener is closed.
func (n *network) dial(from string) net.Conn {
	here, there := net.Pipe()
	select {
	case n.coming <- addressed{there, from}:
		_ = here.SetDeadline(time.Now().Add(patience))
		return here
	case <-n.closed:
		return nil
	}
}

// addressed is a connection from an address.
type addressed struct {
	net.Conn
	from string
}

func (a addressed) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.ParseIP(a.from), Port: 4711}
}

// answered is what a request gets.
type answered struct {
	status int
	header http.Header
	body   string
}

// exchange sends a request from an address.
func (n *node) exchange(to *network, from, request string) answered {
	n.t.Helper()
	c := to.dial(from)
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, request); err != nil {
		n.t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		n.t.Fatalf("%q is answered with %v", request, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		n.t.Fatalf("the answer to %q ends with %v", request, err)
	}
	return answered{response.StatusCode, response.Header, string(body)}
}

// get asks for a path, with further lines of the header.
func (n *node) get(to *network, from, path string, lines ...string) answered {
	n.t.Helper()
	return n.exchange(to, from, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n"+strings.Join(append(lines, "\r\n"), "\r\n"))
}
