package ws_test

import (
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// Who does not ask for a WebSocket is told so, and nothing is begun for it.
func TestRequestsThatAreNoUpgrades(t *testing.T) {
	n := start(t)
	good := map[string]string{
		"Connection": "keep-alive, Upgrade", "Upgrade": "websocket",
		"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
	}
	for name, c := range map[string]struct {
		header, value string
		status        int
	}{
		"plain":         {"Connection", "keep-alive", http.StatusUpgradeRequired},
		"other upgrade": {"Upgrade", "h2c", http.StatusUpgradeRequired},
		"version":       {"Sec-WebSocket-Version", "8", http.StatusUpgradeRequired},
		"no version":    {"Sec-WebSocket-Version", "", http.StatusUpgradeRequired},
		"no key":        {"Sec-WebSocket-Key", "", http.StatusBadRequest},
		"short key":     {"Sec-WebSocket-Key", "AAAA", http.StatusBadRequest},
		"no base64":     {"Sec-WebSocket-Key", strings.Repeat("!", 24), http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			headers := maps.Clone(good)
			headers[c.header] = c.value
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.http.URL+"/ws?subscriber=ada", nil)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range headers {
				if v != "" {
					request.Header.Set(k, v)
				}
			}
			response, err := n.client().Transport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			if response.StatusCode != c.status {
				t.Fatalf("status %d, want %d", response.StatusCode, c.status)
			}
			body, err := io.ReadAll(response.Body)
			if err != nil || !strings.Contains(string(body), `"code":"invalid_argument"`) {
				t.Errorf("%s, %v", body, err)
			}
			if c.status == http.StatusUpgradeRequired && response.Header.Get("Upgrade") != "websocket" && response.Header.Get("Sec-WebSocket-Version") != "13" {
				t.Errorf("headers %v", response.Header)
			}
			if sessions := n.engine.Sessions(); sessions != 0 {
				t.Errorf("%d sessions", sessions)
			}
		})
	}
	n.dial("subscriber=ada").expect("connected", nil)
}
