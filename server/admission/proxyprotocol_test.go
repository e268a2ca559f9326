package admission_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"

	"pushgate/server/admission"
)

// echo answers each request with the address that it came from.
func echo(t *testing.T, g *gate, p admission.Proxies, timeout time.Duration) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, shown := p.Client(r)
		_, _ = io.WriteString(w, shown)
	})}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(p.ProxyProtocol(l, timeout, g.Gate)); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

// ask sends a request behind the beginning of a connection; the answer is "" when
// there is none.
func ask(t *testing.T, address string, begin []byte, forwardedFor string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	request := "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " + forwardedFor + "\r\n\r\n"
	if _, err := c.Write(append(bytes.Clone(begin), request...)); err != nil {
		return ""
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return ""
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return response.Status
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) == c.LocalAddr().String() {
		return "the peer"
	}
	return string(text)
}

func header(t *testing.T, version byte, source string) []byte {
	t.Helper()
	from, err := net.ResolveTCPAddr("tcp", source)
	if err != nil {
		t.Fatal(err)
	}
	to := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 80), Port: 80}
	if from.IP.To4() == nil {
		to.IP = net.ParseIP("2001:db8::80")
	}
	text, err := proxyproto.HeaderProxyFromAddrs(version, from, to).Format()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestProxyProtocol(t *testing.T) {
	good := header(t, 2, "203.0.113.5:4711")
	for _, test := range []struct {
		name         string
		begin        []byte
		forwardedFor string
		want         string
	}{
		{"version 2", good, "", "203.0.113.5:4711"},
		{"version 2, IPv6", header(t, 2, "[2001:db8::5]:4711"), "", "[2001:db8::5]:4711"},
		{"version 1", header(t, 1, "203.0.113.5:4711"), "", "203.0.113.5:4711"},
		{"the proxy itself", []byte("\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"), "", "the peer"},
		{"who connects to the proxy is not believed", good, "8.8.8.8", "203.0.113.5:4711"},
		{"unless that is a proxy too", header(t, 2, "127.0.0.9:4711"), "8.8.8.8", "8.8.8.8"},
		{"missing", nil, "", ""},
		{"bad version", append([]byte("\r\n\r\n\x00\r\nQUIT\n\x31"), good[13:]...), "", ""},
		{"bad length", append(bytes.Clone(good[:14]), append([]byte{0, 1}, good[16:]...)...), "", ""},
		{"version 1, bad", []byte("PROXY TCP4 203.0.113.5\r\n"), "", ""},
		{"version 1, endless", bytes.Repeat([]byte("PROXY "), 1000), "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := newGate(t, admission.Limits{})
			address := echo(t, g, proxies(t, admission.Either, "127.0.0.0/8"), 30*time.Second)
			if got := ask(t, address, test.begin, test.forwardedFor); got != test.want {
				t.Errorf("the client is %q, want %q", got, test.want)
			}
			if bad := g.refused(admission.ProxyHeader); (bad > 0) != (test.want == "") {
				t.Errorf("%d are counted", bad)
			}
		})
	}
}

// Who is no trusted proxy is served as ever; what it says of others is no request.
func TestProxyProtocolOfStrangers(t *testing.T) {
	g := newGate(t, admission.Limits{})
	address := echo(t, g, proxies(t, admission.Either, "192.0.2.0/24"), 30*time.Second)
	if got := ask(t, address, nil, ""); got != "the peer" {
		t.Errorf("without a header: %q", got)
	}
	if got := ask(t, address, header(t, 2, "203.0.113.5:4711"), ""); got != "400 Bad Request" {
		t.Errorf("with a header: %q", got)
	}
}

// A proxy that says nothing is waited for as long as for any handshake.
func TestProxyProtocolOfTheSilent(t *testing.T) {
	g := newGate(t, admission.Limits{})
	address := echo(t, g, proxies(t, admission.Either, "127.0.0.1"), 50*time.Millisecond)
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if n, err := c.Read(make([]byte, 1)); err == nil || n > 0 {
		t.Error("it was answered")
	}
	if g.refused(admission.ProxyHeader) != 1 {
		t.Errorf("%d are counted", g.refused(admission.ProxyHeader))
	}
}
