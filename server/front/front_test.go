package front_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pushgate/server/front"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// server answers everything by the same handler; counted are the requests of which
// net/http knew nothing.
type server struct {
	*httptest.Server
	counted atomic.Int64
}

func start(t *testing.T, handler http.HandlerFunc, o front.Options) *server {
	t.Helper()
	s := &server{}
	o.Path = "/ws"
	o.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.counted.Add(1)
		handler(w, r)
	})
	if o.Timeout == 0 {
		o.Timeout = patience
	}
	if o.MaxHead == 0 {
		o.MaxHead = 8 << 10
	}
	s.Server = httptest.NewUnstartedServer(handler)
	s.Config.MaxHeaderBytes = o.MaxHead - 4<<10
	s.Listener = front.Listen(s.Listener, o)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// exchange sends bytes, in so many pieces, and answers what comes until the end.
func (s *server) exchange(t *testing.T, request string, piece int) string {
	t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(patience))
	go func() {
		for rest := []byte(request); len(rest) > 0; {
			n := min(piece, len(rest))
			if _, err := c.Write(rest[:n]); err != nil {
				return
			}
			rest = rest[n:]
		}
	}()
	answer, err := io.ReadAll(c)
	if err != nil && len(answer) == 0 {
		t.Fatal(err)
	}
	return string(answer)
}

// echo says what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close")
	_, _ = fmt.Fprintf(w, "%s %s %s %s %q", r.Method, r.Host, r.URL, r.Header.Get("X-One"), r.Header.Values("X-Two"))
}

const usual = "Host: example\r\nX-One: 1\r\nX-Two: a\r\nx-two: b, c\r\n"

// Whoever reads a request, the answer is the same; and what is not plainly ours is
// net/http's.
func TestRequests(t *testing.T) {
	for name, c := range map[string]struct {
		request string
		ours    bool
		status  string
	}{
		"ours":                {"GET /ws HTTP/1.1\r\n" + usual + "\r\n", true, "200"},
		"with a query":        {"GET /ws?a=1&a=%20 HTTP/1.1\r\n" + usual + "\r\n", true, "200"},
		"long":                {"GET /ws HTTP/1.1\r\n" + usual + "X-Long: " + strings.Repeat("x", 5000) + "\r\n\r\n", true, "200"},
		"too long":            {"GET /ws HTTP/1.1\r\n" + usual + "X-Long: " + strings.Repeat("x", 9000) + "\r\n\r\n", false, "431"},
		"endless line":        {"GET /ws?" + strings.Repeat("x", 20_000), false, "431"},
		"another path":        {"GET /wss HTTP/1.1\r\n" + usual + "\r\n", false, "200"},
		"a path below":        {"GET /ws/a HTTP/1.1\r\n" + usual + "\r\n", false, "200"},
		"an escaped path":     {"GET /%77s HTTP/1.1\r\n" + usual + "\r\n", false, "200"},
		"absolute":            {"GET http://example/ws HTTP/1.1\r\n" + usual + "\r\n", false, "200"},
		"another method":      {"POST /ws HTTP/1.1\r\n" + usual + "Content-Length: 0\r\n\r\n", false, "200"},
		"HTTP/1.0":            {"GET /ws HTTP/1.0\r\n" + usual + "\r\n", false, "200"},
		"HTTP/3.7":            {"GET /ws HTTP/3.7\r\n" + usual + "\r\n", false, "505"},
		"no version":          {"GET /ws\r\n\r\n", false, "400"},
		"no host":             {"GET /ws HTTP/1.1\r\nX-One: 1\r\n\r\n", false, "400"},
		"two hosts":           {"GET /ws HTTP/1.1\r\n" + usual + "host: other\r\n\r\n", false, "400"},
		"a body":              {"GET /ws HTTP/1.1\r\n" + usual + "Content-Length: 2\r\n\r\nhi", false, "200"},
		"chunks":              {"GET /ws HTTP/1.1\r\n" + usual + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false, "200"},
		"both":                {"GET /ws HTTP/1.1\r\n" + usual + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false, "200"},
		"no name":             {"GET /ws HTTP/1.1\r\n" + usual + ": x\r\n\r\n", false, "400"},
		"space in a name":     {"GET /ws HTTP/1.1\r\n" + usual + "X One : x\r\n\r\n", false, "400"},
		"control in a value":  {"GET /ws HTTP/1.1\r\n" + usual + "X-Three: \x01\r\n\r\n", false, "400"},
		"a folded line":       {"GET /ws HTTP/1.1\r\n" + usual + "X-Three: a\r\n b\r\n\r\n", false, ""},
		"bare line feeds":     {strings.ReplaceAll("GET /ws HTTP/1.1\r\n"+usual+"\r\n", "\r\n", "\n"), false, "200"},
		"a lone return":       {"GET /ws HTTP/1.1\r\n" + usual + "X-Three: a\rb\r\n\r\n", false, "400"},
		"nonsense":            {"\x16\x03\x01\x02\x00\x01\x00", false, "400"},
		"a bad query":         {"GET /ws?a b HTTP/1.1\r\n" + usual + "\r\n", false, "400"},
		"a dot in the path":   {"GET /ws/../ws HTTP/1.1\r\n" + usual + "\r\n", false, "200"},
		"expects to continue": {"GET /ws HTTP/1.1\r\n" + usual + "Expect: 100-continue\r\n\r\n", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, echo, front.Options{})
			bare := httptest.NewUnstartedServer(http.HandlerFunc(echo))
			bare.Config.MaxHeaderBytes = 4 << 10
			bare.Start()
			defer bare.Close()
			request := c.request
			if name == "nonsense" {
				request += "\r\n\r\n"
			}
			for _, piece := range []int{len(request), 1, 7} {
				answer := s.exchange(t, request, piece)
				if c.status != "" && !strings.HasPrefix(answer, "HTTP/1.1 "+c.status+" ") && !strings.HasPrefix(answer, "HTTP/1.0 "+c.status+" ") {
					t.Fatalf("answered %q", answer)
				}
				same := (&server{Server: bare}).exchange(t, request, piece)
				if _, body, _ := strings.Cut(answer, "\r\n\r\n"); !strings.HasSuffix(same, "\r\n\r\n"+body) {
					t.Errorf("answered\n%s\nwhere net/http answers\n%s", answer, same)
				}
			}
			if ours := s.counted.Load() == 3; ours != c.ours {
				t.Errorf("%d of 3 requests were read without net/http", s.counted.Load())
			}
		})
	}
}

// A connection that net/http has goes on being net/http's.
func TestKeptAlive(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) }, front.Options{})
	for _, path := range []string{"/a", "/ws", "/b"} {
		response, err := s.Client().Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if string(body) != path {
			t.Errorf("%s: %q", path, body)
		}
	}
}

// What was sent with the request is there after the hijack, and what comes then too.
func TestHijack(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Upgrade", "test")
		w.WriteHeader(http.StatusSwitchingProtocols)
		c, received, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		if _, _, err := http.NewResponseController(w).Hijack(); err == nil {
			t.Error("hijacked twice")
		}
		_, _ = io.Copy(c, received)
		_ = c.Close()
	}, front.Options{})
	for _, early := range []string{"", "x", strings.Repeat("early", 300)} {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(c, "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n%s", early)
		in := bufio.NewReader(c)
		response, err := http.ReadResponse(in, nil)
		if err != nil || response.StatusCode != http.StatusSwitchingProtocols || response.Header.Get("Upgrade") != "test" {
			t.Fatalf("%v, %v", response, err)
		}
		_ = response.Body.Close()
		_, _ = io.WriteString(c, "late")
		_ = c.(*net.TCPConn).CloseWrite()
		echoed, err := io.ReadAll(in)
		if err != nil || string(echoed) != early+"late" {
			t.Errorf("%q, %v", echoed, err)
		}
		_ = c.Close()
	}
}

// Who sends nothing, or not all of it, is closed.
func TestSlowHeads(t *testing.T) {
	s := start(t, echo, front.Options{Timeout: 50 * time.Millisecond})
	for _, sent := range []string{"", "G", "GET /ws HTTP/1.1\r\nHost: a\r\n"} {
		if answer := s.exchange(t, sent, 1+len(sent)); answer != "" {
			t.Errorf("answered %q", answer)
		}
	}
}

// Close ends those whose request has not come, and waits for nobody else.
func TestClose(t *testing.T) {
	s := start(t, echo, front.Options{})
	var silent []net.Conn
	for range 10 {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		_, _ = io.WriteString(c, "GET /ws")
		silent = append(silent, c)
	}
	s.exchange(t, "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", 100) // the others were accepted before it
	if err := s.Listener.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range silent {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Errorf("read %d bytes, %v", n, err)
		}
	}
}

// FuzzHead: what net/http refuses is never taken for a request here, and what is
// taken says the same.
func FuzzHead(f *testing.F) {
	for _, seed := range []string{
		"GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", "GET /ws?a=%zz HTTP/1.1\r\nhost: a\r\nX: y\r\n\r\nrest", "GET /ws HTTP/1.1\nHost: a\n\n",
		"GET /ws HTTP/1.1\r\nHost: a\r\nHost : b\r\n\r\n", "GET /ws HTTP/1.1\r\nHost: a b\r\n\r\n", "GET /ws#x HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, request []byte) {
		bare := oneRequest(t, request, false)
		if ours := oneRequest(t, request, true); ours != bare {
			t.Errorf("%q instead of %q", ours, bare)
		}
	})
}

// oneRequest answers what a handler is told of a request on a pipe.
func oneRequest(t *testing.T, request []byte, ours bool) string {
	t.Helper()
	near, far := net.Pipe()
	l := &single{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
	l.conns <- far
	told := make(chan string, 1)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		if r.URL.Path != "/ws" || r.Method != http.MethodGet {
			return
		}
		var headers bytes.Buffer
		_ = r.Header.Write(&headers)
		select {
		case told <- fmt.Sprintf("%s %s %s", r.Host, r.URL, headers.Bytes()):
		default: // a second request on the connection
		}
	})
	var serving net.Listener = l
	if ours {
		serving = front.Listen(l, front.Options{Path: "/ws", Handler: handler, MaxHead: 8 << 10, Timeout: patience})
	}
	s := &http.Server{Handler: handler, ReadHeaderTimeout: patience, MaxHeaderBytes: 4 << 10}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(serving)
	}()
	go func() {
		_, _ = near.Write(request)
		_, _ = near.Write([]byte("\r\n\r\n")) // whatever it was, it is over
	}()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, _ = io.Copy(io.Discard, near)
	}()
	var first string
	select {
	case first = <-told:
	case <-answered:
		select {
		case first = <-told:
		default:
		}
	}
	_ = near.Close()
	_ = s.Close()
	<-done
	<-answered
	return first
}

// single is a listener for one connection.
type single struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *single) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *single) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (l *single) Addr() net.Addr { return &net.UnixAddr{} }
