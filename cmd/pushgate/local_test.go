package main_test

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"pushgate/cmd/pushgate/pushgatetest"
)

// What is for operators is served on an address of this machine to those who are here,
// and not to whom a proxy has let through, by TCP and by a Unix socket alike.
func TestOperatorsAreOnThisMachine(t *testing.T) {
	s, socket := pushgatetest.Start(t, pushgatetest.Command{}), filepath.Join(t.TempDir(), "http.sock")
	p := pushgatetest.Launch(t, pushgatetest.Command{Args: []string{"serve", "--http-address=unix:" + socket, "--grpc-address=127.0.0.1:0"}})
	if line := p.Line(); !strings.Contains(line, "http://localhost/readyz") {
		t.Errorf("the greeting says %q", line)
	}
	for _, node := range []struct {
		client *http.Client
		at     string
	}{{http.DefaultClient, s.HTTP}, {unixClient(t, socket), "localhost"}} {
		get := func(path, host, name string) (status int, body string) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+node.at+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = host
			if name != "" {
				request.Header.Set(name, "for=203.0.113.7")
			}
			response, err := node.client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			content, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			return response.StatusCode, string(content)
		}
		for _, c := range []struct {
			host, header string
			want         int
		}{
			{node.at, "", 200}, {"127.0.0.1", "X-Forward", 200}, {"push.example", "", 403}, {node.at, "Forwarded", 403}, {node.at, "Via", 403}, {node.at, "x-real-ip", 403},
			{node.at, "X-Forwarded-For", 403}, {node.at, "X-Forwarded-Proto", 403}, {node.at, "x-forwarded-anything", 403}, {"push.example", "X-Forwarded-For", 403},
		} {
			for _, path := range []string{"/metrics", "/debug/pprof/", "/"} {
				if status, body := get(path, c.host, c.header); status != c.want {
					t.Errorf("%s of %s under %s with %q: %d %.100s; want %d", path, node.at, c.host, c.header, status, body, c.want)
				}
			}
			if status, body := get("/readyz", c.host, c.header); status != 200 || strings.Contains(body, "reasons") != (c.want == 200) {
				t.Errorf("/readyz of %s under %s with %q: %d %s", node.at, c.host, c.header, status, body)
			}
			if status, _ := get("/healthz", c.host, c.header); status != 200 {
				t.Errorf("/healthz: %d", status)
			}
		}
	}
}

// Where a proxy is configured they are not on the address that it leads to, whatever it
// says of itself; and profiles are only where everybody may do everything.
func TestOperatorsBehindAProxy(t *testing.T) {
	for name, c := range map[string]struct {
		args              []string
		env               []string
		metrics, profiles int
	}{
		"nothing":            {nil, nil, 200, 200},
		"a trusted proxy":    {[]string{"--http-trusted-proxies=192.0.2.1"}, nil, 404, 404},
		"profiles beside it": {[]string{"--http-trusted-proxies=192.0.2.1", "--http-pprof=on"}, nil, 404, 404},
		"the PROXY protocol": {[]string{"--http-trusted-proxies=192.0.2.1", "--http-proxy-protocol"}, nil, 404, 404},
		"any address":        {[]string{"--http-trusted-proxies=192.0.2.1", "--auth-insecure-development-on-any-address"}, nil, 404, 404},
		"tokens":             {nil, []string{tokenSecret}, 200, 404},
		"tokens, profiles":   {[]string{"--http-pprof=on"}, []string{tokenSecret}, 200, 200},
		"an authorizer":      {[]string{"--authorizer-connect", "--authorizer-address=127.0.0.1:1"}, nil, 200, 404},
	} {
		t.Run(name, func(t *testing.T) {
			s := pushgatetest.Start(t, pushgatetest.Command{Args: c.args, Env: c.env})
			for path, want := range map[string]int{"/metrics": c.metrics, "/": c.metrics, "/debug/pprof/": c.profiles, "/debug/pprof/cmdline": c.profiles} {
				if got := ask(t, http.DefaultClient, "http://"+s.HTTP+path, ""); got.status != want {
					t.Errorf("%s: %d %.100s; want %d", path, got.status, got.body, want)
				}
			}
			if got := ask(t, http.DefaultClient, "http://"+s.HTTP+"/readyz", ""); got.status != 200 || strings.Contains(got.body, "reasons") != (c.metrics == 200) {
				t.Errorf("/readyz: %d %s", got.status, got.body)
			}
		})
	}
}
