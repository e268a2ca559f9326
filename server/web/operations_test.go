package web_test

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pushgate/server/web"
)

// A body that does not come, or comes slowly, keeps a socket for a while only.
func TestBodiesThatDoNotCome(t *testing.T) {
	for name, body := range map[string]string{
		"none": "Content-Length: 100\r\n\r\n", "half": "Content-Length: 100\r\n\r\nhalf", "a chunk": "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, true, func(n *node) {
				for _, to := range []*network{n.clients, n.operators} {
					for _, line := range []string{"POST /metrics", "GET /metrics", "GET /healthz", "POST /ws", "GET /ws", "POST /debug/pprof/symbol"} {
						began, c := time.Now(), to.dial("127.0.0.1")
						if _, err := io.WriteString(c, line+" HTTP/1.1\r\nHost: localhost\r\n"+body); err != nil {
							t.Fatal(err)
						}
						var slow sync.WaitGroup
						slow.Go(func() {
							for err := error(nil); err == nil && name == "half"; _, err = io.WriteString(c, "x") {
								time.Sleep(time.Second)
							}
						})
						if answer, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 ") {
							t.Errorf("%s: %.100q, %v", line, answer, err)
						}
						if took := time.Since(began); took > 15*time.Second {
							t.Errorf("%s: closed after %s", line, took)
						}
						_ = c.Close()
						slow.Wait()
					}
				}
			})
		})
	}
}

// A profile takes the time that it is to take.
func TestLongProfiles(t *testing.T) {
	inBubble(t, true, func(n *node) {
		for _, to := range []*network{n.clients, n.operators} {
			began := time.Now()
			got := n.get(to, "127.0.0.1", "/debug/pprof/goroutine?seconds=90", "Connection: close")
			if took := time.Since(began); got.status != http.StatusOK || took < 90*time.Second {
				t.Errorf("%d after %s", got.status, took)
			}
		}
	})
}

// Nor has a WebSocket to be over by the time that a request may take to come, whoever has
// read it.
func TestWebSocketsLast(t *testing.T) {
	for reader, name := range map[string]string{"front": "X-One", "net/http": "X.One"} {
		t.Run(reader, func(t *testing.T) {
			inBubble(t, true, func(n *node) {
				began, c := time.Now(), n.clients.dial("127.0.0.1")
				defer func() { _ = c.Close() }()
				if _, err := io.WriteString(c, "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"+name+": 1\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				in := bufio.NewReader(c)
				response, err := http.ReadResponse(in, nil)
				if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
					t.Fatal(response, err)
				}
				_ = response.Body.Close()
				for kind := byte(0); kind != ping || time.Since(began) < 15*time.Second; { // one after the time for a request
					var content []byte
					kind, content = readFrame(t, in)
					if kind == ping {
						pong := append([]byte{0x8a, 0x80 | byte(len(content)), 0, 0, 0, 0}, content...)
						if _, err := c.Write(pong); err != nil {
							t.Fatalf("after %s: %v", time.Since(began), err)
						}
					}
				}
			})
		})
	}
}

// ping is the first byte of a frame that is one.
const ping = 0x89

// readFrame reads a frame of less than 64 KiB.
func readFrame(t *testing.T, in io.Reader) (kind byte, content []byte) {
	t.Helper()
	read := func(length int) []byte {
		content := make([]byte, length)
		if _, err := io.ReadFull(in, content); err != nil {
			t.Fatal(err)
		}
		return content
	}
	head := read(2)
	length := int(head[1])
	if length == 126 {
		length = int(binary.BigEndian.Uint16(read(2)))
	}
	return head[0], read(length)
}

// Sockets that say nothing shut no operator out, and do not end what one who knows the
// secret waits for.
func TestSilentSocketsOfOperators(t *testing.T) {
	inBubble(t, false, func(n *node) {
		var done sync.WaitGroup
		done.Go(func() {
			got := n.get(n.operators, "203.0.113.7", "/debug/pprof/goroutine?seconds=30", "Authorization: Bearer "+secret, "Connection: close")
			if got.status != http.StatusOK {
				t.Errorf("the profile is answered %d", got.status)
			}
		})
		synctest.Wait()
		var mu sync.Mutex
		var open []net.Conn
		for range 3 * web.OperatorSockets {
			done.Go(func() {
				if c := n.operators.dial("203.0.113.8"); c != nil {
					mu.Lock()
					open = append(open, c)
					mu.Unlock()
				}
			})
		}
		synctest.Wait()
		mu.Lock()
		if len(open) > web.OperatorSockets {
			t.Errorf("%d sockets are open", len(open))
		}
		mu.Unlock()
		began := time.Now()
		got := n.get(n.operators, "203.0.113.7", "/metrics", "Authorization: Bearer "+secret, "Connection: close")
		if took := time.Since(began); got.status != http.StatusOK || took > 10*time.Second {
			t.Errorf("%d after %s", got.status, took)
		}
		done.Wait()
		for _, c := range open {
			_ = c.Close()
		}
	})
}

// Who tries secrets is slowed down; who knows it is not, nor is who forgot it, nor this
// machine.
func TestWrongSecrets(t *testing.T) {
	inBubble(t, false, func(n *node) {
		try := func(from string, lines ...string) answered {
			t.Helper()
			return n.get(n.operators, from, "/metrics", append(lines, "Connection: close")...)
		}
		const wrong, right = "Authorization: Bearer guess", "Authorization: Bearer " + secret
		for i := range 21 { // the last of them at the very moment
			if r := try("203.0.113.7", wrong); r.status != http.StatusUnauthorized || r.header.Get("WWW-Authenticate") == "" {
				t.Fatalf("try %d: %d", i, r.status)
			}
		}
		r := try("203.0.113.7", wrong)
		var refusal struct{ Code string }
		if err := json.Unmarshal([]byte(r.body), &refusal); err != nil || r.status != http.StatusTooManyRequests || refusal.Code != "resource_exhausted" {
			t.Errorf("got %d, %+v", r.status, refusal)
		}
		wait, err := strconv.Atoi(r.header.Get("Retry-After"))
		if err != nil || wait < 1 {
			t.Fatalf("Retry-After is %q", r.header.Get("Retry-After"))
		}
		for name, c := range map[string]struct {
			from  string
			lines []string
			want  int
		}{
			"the right one": {"203.0.113.7", []string{right}, 200}, "none": {"203.0.113.7", nil, 401}, "another scheme": {"203.0.113.7", []string{"Authorization: Basic guess"}, 401},
			"another address": {"203.0.113.8", []string{wrong}, 401}, "mapped": {"::ffff:203.0.113.7", []string{wrong}, 429},
		} {
			for range 30 {
				if r := try(c.from, c.lines...); r.status != c.want {
					t.Errorf("%s: %d; want %d", name, r.status, c.want)
				}
				if c.from == "203.0.113.8" {
					break
				}
			}
		}
		for range 30 {
			if r := try("127.0.0.1", wrong); r.status != http.StatusUnauthorized {
				t.Errorf("this machine: %d", r.status)
			}
		}
		time.Sleep(time.Duration(wait) * time.Second)
		if r := try("203.0.113.7", wrong); r.status != http.StatusUnauthorized {
			t.Errorf("after %d s: %d", wait, r.status)
		}
	})
}
