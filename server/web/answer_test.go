package web_test

import (
	"fmt"
	"strings"
	"testing"
)

// Every answer that is made here says what browsers may take it for, and none names the program.
func TestHeadersOfAnswers(t *testing.T) {
	inBubble(t, true, func(n *node) {
		for _, request := range []string{
			"GET /healthz", "GET /readyz", "GET /metrics", "GET /debug/pprof/", "GET /", "GET /nothing", "POST /healthz", "DELETE /metrics", "GET /ws", "POST /ws", "GET //", "GET /ws?channel=%00",
		} {
			for _, host := range []string{"localhost", "evil.example"} {
				for _, more := range []string{"", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nOrigin: https://evil.example\r\n"} {
					for _, to := range []*network{n.clients, n.operators} {
						r := n.exchange(to, "127.0.0.1", request+" HTTP/1.1\r\nHost: "+host+"\r\n"+more+"\r\n")
						if r.header.Get("X-Content-Type-Options") != "nosniff" || r.header.Get("Referrer-Policy") != "no-referrer" || r.header.Get("Cache-Control") != "no-store" {
							t.Errorf("%s of %s: %d %v", request, host, r.status, r.header)
						}
						if r.header.Get("Server") != "" || r.header.Get("X-Powered-By") != "" {
							t.Errorf("%s: %v", request, r.header)
						}
					}
				}
			}
		}
	})
}

// No answer repeats what is in a query: there may be a token.
func TestQueriesAreNotRepeated(t *testing.T) {
	inBubble(t, true, func(n *node) {
		for path, want := range map[string]int{"//ws": 404, "/./ws": 404, "/x/../ws": 404, "/ws/": 404, "/ws": 426, "/healthz": 200, "/debug/pprof/": 200, "//": 404} {
			r := n.get(n.clients, "127.0.0.1", path+"?access_token=secret")
			if r.status != want || strings.Contains(fmt.Sprint(r), "secret") {
				t.Errorf("%s: %+v", path, r)
			}
		}
	})
}
