package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every message is one line that names the place, the key and what to change.
func TestProblems(t *testing.T) {
	for _, test := range []struct {
		name    string
		sources sources
		want    string
	}{
		{"unknown key", sources{yaml: "node: a\n\nnod: b\n"}, "test.yaml:3: nod: there is no such key; did you mean node?"},
		{"unknown key in a group", sources{yaml: "http:\n  addrss: a\n"}, "test.yaml:2: http.addrss: there is no such key; did you mean http.address?"},
		{"unknown group", sources{yaml: "htp:\n  address: a\n"}, "test.yaml:1: htp: there is no such key; did you mean http?"},
		{"unknown and like nothing", sources{yaml: "zebra: 1\n"}, "test.yaml:1: zebra: there is no such key"},
		{"config in the file", sources{yaml: "config: x\n"}, "test.yaml:1: config: there is no such key"},
		{"a value for a group", sources{yaml: "http: 8080\n"}, "test.yaml:1: http: keys with values are expected here, not a single value"},
		{"a list for a group", sources{yaml: "http:\n  - 8080\n"}, "test.yaml:2: http: keys with values are expected here, not a list"},
		{"keys for a value", sources{yaml: "http:\n  address: {port: 1}\n"}, "test.yaml:2: http.address: a value is expected here, not keys"},
		{"no value", sources{yaml: "http:\n  address:\n"}, "test.yaml:2: http.address: there is no value; give one, or remove the key"},
		{"a key twice", sources{yaml: "node: a\nnode: b\n"}, `test.yaml:2: mapping key "node" already defined at [1:1]`},
		{"not YAML", sources{yaml: "http: [\n"}, "test.yaml:1: sequence end token ']' not found"},
		{"a list at the top", sources{yaml: "- a\n"}, "test.yaml:1: keys with values are expected here, not a list"},
		{"two documents", sources{yaml: "node: a\n---\nnode: b\n"}, "test.yaml:3: a second document begins here; there may be one only"},
		{"no file", sources{args: []string{"--config=none.yaml"}}, "none.yaml: cannot be read: no such file or directory"},

		{"size", sources{yaml: "limits:\n  max_frame: 64KB\n"}, `test.yaml:2: limits.max_frame: "64KB" is not a size; write bytes, or a whole number with KiB, MiB or GiB, as 64KiB`},
		{"duration", sources{yaml: "sweep_interval: 5\n"}, `test.yaml:1: sweep_interval: "5" is not a duration; write a number with its unit, as 300ms, 5s, 1h30m or 3d`},
		{"number", sources{yaml: "ring:\n  messages: many\n"}, `test.yaml:2: ring.messages: "many" is not a whole number`},
		{"bool", sources{yaml: "store:\n  migrate: perhaps\n"}, `test.yaml:2: store.migrate: "perhaps" is neither true nor false`},
		{"enum", sources{yaml: "log:\n  level: loud\n"}, `test.yaml:2: log.level: "loud" is not one of debug, info, warn, error`},
		{"too little", sources{yaml: "ingest:\n  committers: 0\n"}, "test.yaml:2: ingest.committers: 0 is too little; it has to be more than 0"},
		{"too little with a unit", sources{yaml: "heartbeat:\n  interval: 10ms\n"}, "test.yaml:2: heartbeat.interval: 10ms is too little; the least is 1s"},
		{"port", sources{args: []string{"--grpc-address=127.0.0.1:99999"}}, `--grpc-address: "127.0.0.1:99999" is not an address; write HOST:PORT, as 127.0.0.1:8080, or unix:PATH`},
		{"address", sources{yaml: "http:\n  address: 8080\n"}, `test.yaml:2: http.address: "8080" is not an address; write HOST:PORT, as 127.0.0.1:8080, or unix:PATH`},
		{"no path", sources{yaml: "grpc:\n  address: unix:@abstract\n"}, `test.yaml:2: grpc.address: "unix:@abstract" is not the path of a socket; write unix:PATH, as unix:/run/pushgate/http.sock`},
		{"long path", sources{args: []string{"--http-address=unix:/" + strings.Repeat("x", 103)}}, "--http-address: the path is 104 bytes long; for a socket the limit is 103"},
		{"mode", sources{yaml: "http: {socket_mode: 0999}\n"}, `test.yaml:1: http.socket_mode: "0999" are no permissions; write octal digits, as 0660`},
		{"origin", sources{yaml: "http:\n  allowed_origins:\n    - https://a.example/\n"}, `test.yaml:2: http.allowed_origins: "https://a.example/" is not an origin; write scheme and host, as https://app.example.com`},
		{"proxy", sources{yaml: "http:\n  trusted_proxies: [10.0.0.1/8]\n"}, `test.yaml:2: http.trusted_proxies: "10.0.0.1/8" is an address within a network; write 10.0.0.0/8 or 10.0.0.1`},
		{"PROXY protocol of nobody", sources{args: []string{"--http-proxy-protocol"}}, "--http-proxy-protocol: nobody is trusted to speak it; set http.trusted_proxies to the addresses of the proxies"},
		{"header of a proxy", sources{yaml: "http:\n  forwarded_header: x-real-ip\n"}, `test.yaml:2: http.forwarded_header: "x-real-ip" is not one of auto, x-forwarded-for, forwarded`},
		{"limit", sources{yaml: "limits:\n  connections: -1\n"}, "test.yaml:2: limits.connections: -1 is too little; the least is 0"},
		{"together", sources{yaml: "shutdown:\n  timeout: 5s\n"}, "test.yaml:2: shutdown.timeout: 5s is not longer than shutdown.delay (0s) and shutdown.drain (5s) together; raise it"},
		{"shares", sources{env: map[string]string{"PUSHGATE_INGEST_COMMITTERS": "100"}},
			"ingest.bytes: 64MiB for 100 committers do not hold a payload of 1MiB each; raise ingest.bytes, or lower ingest.committers or limits.max_payload"},
		{"envelope", sources{args: []string{"--grpc-max-message=1MiB"}}, "--grpc-max-message: 1MiB does not hold a payload of limits.max_payload (1MiB) with its envelope; raise it"},

		{"unknown variable", sources{env: map[string]string{"PUSHGATE_HTTP_ADDRSS": "x"}}, "PUSHGATE_HTTP_ADDRSS: there is no such setting; did you mean PUSHGATE_HTTP_ADDRESS?"},
		{"unknown variable like nothing", sources{env: map[string]string{"PUSHGATE_ZEBRA_STRIPES": "x"}}, "PUSHGATE_ZEBRA_STRIPES: there is no such setting; unset it (docs/configuration.md lists them all)"},
		{"bad variable", sources{env: map[string]string{"PUSHGATE_LIMITS_MAX_FRAME": "x"}}, `PUSHGATE_LIMITS_MAX_FRAME: "x" is not a size; write bytes, or a whole number with KiB, MiB or GiB, as 64KiB`},
		{"bad variable with a bound", sources{env: map[string]string{"PUSHGATE_RING_BYTES": "0"}}, "PUSHGATE_RING_BYTES: 0 is too little; it has to be more than 0"},

		{"store", sources{yaml: "store:\n  url: mysql://root:secret@localhost/x\n"}, "test.yaml:2: store.url: no such store; write postgres://USER@HOST/DATABASE or sqlite:PATH, or leave it out"},
		{"store in memory", sources{yaml: "store:\n  url: 'sqlite::memory:'\n"}, "test.yaml:2: store.url: sqlite: takes the path of a file, nothing else; a database in memory would keep no promise"},
		{"store without a path", sources{yaml: "store:\n  url: 'sqlite:'\n"}, "test.yaml:2: store.url: there is no path after sqlite:"},

		{"namespace key", sources{yaml: "namespaces:\n  orders:\n    windw: 1\n"}, "test.yaml:3: namespaces.orders.windw: there is no such key; did you mean window?"},
		{"namespace key in a group", sources{yaml: "namespaces:\n  orders:\n    retention:\n      ages: 1d\n"}, "test.yaml:4: namespaces.orders.retention.ages: there is no such key; did you mean retention.age?"},
		{"namespace value", sources{yaml: "namespaces:\n  orders:\n    window: 5000\n"}, "test.yaml:3: namespaces.orders.window: 5000 is too much; the most is 4096"},
		{"namespace enum", sources{yaml: "namespaces:\n  default:\n    start: late\n"}, `test.yaml:3: namespaces.default.start: "late" is not one of new, earliest`},
		{"namespace name", sources{yaml: "namespaces:\n  'a:b': {}\n"}, "test.yaml:2: namespaces.a:b: a namespace is the part of a channel's name before the first colon: not empty, no colon, no control characters"},
		{"namespaces is a list", sources{yaml: "namespaces: [a]\n"}, "test.yaml:1: namespaces: keys with values are expected here, not a list"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := load(t, test.sources)
			var problem *Problem
			if !errors.As(err, &problem) {
				t.Fatalf("got %v", err)
			}
			if problem.Error() != test.want {
				t.Errorf("got  %s\nwant %s", problem, test.want)
			}
		})
	}
}

// Kong's own checks of flags name the flag.
func TestBadFlags(t *testing.T) {
	for _, flag := range []string{"--limits-max-frame=x", "--ring-messages=x", "--log-level=loud", "--sweep-interval=5"} {
		_, err := load(t, sources{args: []string{flag}})
		name, _, _ := strings.Cut(flag, "=")
		if err == nil || !strings.HasPrefix(err.Error(), name) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v", flag, err)
		}
	}
}

func TestForeignVariables(t *testing.T) {
	mustLoad(t, sources{env: map[string]string{
		"PUSHGATE_SERVICE_HOST": "10.0.0.1", "PUSHGATE_SERVICE_PORT": "8080", "PUSHGATE_SERVICE_PORT_GRPC": "9090",
		"PUSHGATE_PORT": "tcp://10.0.0.1:8080", "PUSHGATE_PORT_8080_TCP": "tcp://10.0.0.1:8080",
		"PUSHGATE_PORT_8080_TCP_ADDR": "10.0.0.1", "PUSHGATE_POSTGRES_SERVICE_HOST": "10.0.0.2",
		"PUSHGATE_TEST_POSTGRES": "x",
	}})
	if _, err := load(t, sources{env: map[string]string{"PUSHGATE_PORT": "8080"}}); err == nil {
		t.Error("PUSHGATE_PORT=8080 is passed over")
	}
}

func TestExposure(t *testing.T) {
	const key = "PUSHGATE_AUTH_INSECURE_DEVELOPMENT_ON_ANY_ADDRESS"
	for address, refused := range map[string]bool{
		"127.0.0.1:0": false, "127.8.0.1:1": false, "[::1]:1": false, "localhost:1": false, "[::ffff:127.0.0.1]:1": false,
		":1": true, "0.0.0.0:1": true, "[::]:1": true, "10.0.0.1:1": true, "example.org:1": true, "localhost.example.org:1": true,
	} {
		for _, flag := range []string{"--http-address=", "--grpc-address=", "--admin-address="} {
			err := mustLoad(t, sources{args: []string{flag + address}}).CheckExposure()
			if (err != nil) != refused || refused && !strings.Contains(err.Error(), key+"=true") {
				t.Errorf("%s%s: got %v", flag, address, err)
			}
			if err := mustLoad(t, sources{args: []string{flag + address}, env: map[string]string{key: "true"}}).CheckExposure(); err != nil {
				t.Errorf("%s%s with %s: %v", flag, address, key, err)
			}
		}
	}
}

// Where clients, backends and operators have to show who they are, others may reach
// the address.
func TestExposureWithCredentials(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("s", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	for address, c := range map[string]struct {
		credential []string
		want       string // in what is said without it
	}{
		"--http-address=:1":  {[]string{"--token-secret-file=" + secret}, "token.secret_file"},
		"--grpc-address=:1":  {[]string{"--grpc-tls-certificate=c", "--grpc-tls-key=k", "--grpc-tls-client-ca=a"}, "grpc.tls_client_ca"},
		"--admin-address=:1": {[]string{"--admin-token-file=" + secret}, "admin.token_file"},
	} {
		if err := mustLoad(t, sources{args: append([]string{address}, c.credential...)}).CheckExposure(); err != nil {
			t.Errorf("%s: %v", address, err)
		}
		err := mustLoad(t, sources{args: []string{address}}).CheckExposure()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s without a credential: %v", address, err)
		}
	}
}
