package main_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pushgate/cmd/pushgate/pushgatetest"
)

func TestServe(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{})
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/debug/pprof/": 200, "/nothing": 404} {
		if got := status(t, "http://"+s.HTTP+path); got != want {
			t.Errorf("%s: got %d, want %d", path, got, want)
		}
	}
	if _, err := os.Stat(filepath.Join(s.Dir, "pushgate-data", "pushgate.db")); err != nil {
		t.Error(err)
	}
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if rest := s.Rest(); len(rest) > 0 {
		t.Errorf("there is more than the greeting: %q", rest)
	}
}

func TestMetricsSayWhatRuns(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{})
	body := page(t, "http://"+s.HTTP+"/metrics")
	for _, want := range []string{`pushgate_build_info{`, `version="test"`, "go_goroutines ", "process_open_fds "} {
		if !strings.Contains(body, want) {
			t.Errorf("there is no %s", want)
		}
	}
}

func TestPprofCanBeOff(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--http-pprof=off"}})
	if got := status(t, "http://"+s.HTTP+"/debug/pprof/"); got != http.StatusNotFound {
		t.Errorf("got %d", got)
	}
}

func TestRefusesToStart(t *testing.T) {
	other := pushgatetest.Start(t, pushgatetest.Command{})
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	inTheWay := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		args []string
		env  []string
		code int
		want []string
	}{
		{"HTTP is not loopback", []string{"--http-address=0.0.0.0:0"}, nil, 2,
			[]string{"--http-address: 0.0.0.0:0 is not loopback", "set auth.insecure_development_on_any_address to true"}},
		{"gRPC is not loopback", nil, []string{"PUSHGATE_GRPC_ADDRESS=:0"}, 2,
			[]string{"PUSHGATE_GRPC_ADDRESS: :0 is not loopback", "set auth.insecure_development_on_any_address to true"}},
		{"port in use", []string{"--http-address=" + taken.Addr().String()}, nil, 1,
			[]string{"http.address: " + taken.Addr().String() + " is in use by another process", "--http-address"}},
		{"no such host", []string{"--http-address=127.0.0.1:0", "--grpc-address=127.0.0.1:nosuchservice"}, nil, 1,
			[]string{"grpc.address: cannot listen on 127.0.0.1:nosuchservice"}},
		{"second process", []string{"--data-dir=" + filepath.Join(other.Dir, "pushgate-data")}, nil, 1,
			[]string{"data_dir: ", "another process has it open", "stop that process, or set data_dir to another place"}},
		{"no data directory", []string{"--data-dir=" + filepath.Join(inTheWay, "data")}, nil, 1,
			[]string{"data_dir: " + inTheWay, "not a directory; set data_dir to a directory that can be"}},
		{"unknown variable", nil, []string{"PUSHGATE_HTTP_PORT=8080"}, 2, []string{"PUSHGATE_HTTP_PORT: there is no such setting"}},
		{"unknown flag", []string{"--port=1"}, nil, 2, []string{"unknown flag --port"}},
		{"bad store", []string{"--store-url=postgres://ada:hush@host:x/db"}, nil, 2, []string{"store.url: "}},
		{"no database", []string{"--store-url=postgres://ada:hush@127.0.0.1:1/db", "--store-connect-timeout=100ms", "--log-level=error"}, nil, 1,
			[]string{"store.url: the store could not be used within store.connect_timeout (100ms)"}},
		{"not migrated", []string{"--no-store-migrate", "--log-level=error"}, nil, 1, []string{"it is not migrated", "run: pushgate migrate"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := []string{"serve"}
			for _, key := range []string{"http", "grpc"} {
				given := strings.Join(test.args, " ") + strings.ToLower(strings.Join(test.env, " "))
				if !strings.Contains(given, "--"+key+"-address") && !strings.Contains(given, key+"_address") {
					args = append(args, "--"+key+"-address=127.0.0.1:0")
				}
			}
			line := fails(t, pushgatetest.Command{Args: append(append(args, test.args...), "--log-level=error"), Env: test.env}, test.code)
			for _, want := range test.want {
				if !strings.Contains(line, want) {
					t.Errorf("%q is not in: %s", want, line)
				}
			}
			if strings.Contains(line, "hush") {
				t.Errorf("the password is in: %s", line)
			}
		})
	}
}

func TestAnyAddressIfAskedFor(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{
		Args: []string{"--http-address=0.0.0.0:0"}, Env: []string{"PUSHGATE_AUTH_INSECURE_DEVELOPMENT_ON_ANY_ADDRESS=true"},
	})
	if !strings.HasPrefix(s.HTTP, "127.0.0.1:") {
		t.Errorf("the greeting says %s", s.HTTP)
	}
	if got := status(t, "http://"+s.HTTP+"/debug/pprof/"); got != http.StatusNotFound {
		t.Errorf("profiles are served to everybody: %d", got)
	}
}

func TestWarnsOfWeakSettings(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--store-sqlite-relaxed", "--log-format=json"}})
	s.WaitStderr(`"level":"WARN","msg":"MESSAGES CAN BE LOST`)
	s.WaitStderr("synchronous is below FULL")
}

func TestMigrate(t *testing.T) {
	dir := t.TempDir()
	migrate := pushgatetest.Command{Args: []string{"migrate", "--log-level=error"}, Dir: dir}
	first := run(t, migrate)
	if len(first) != 1 || !strings.HasPrefix(first[0], "sqlite: schema version 0 → ") {
		t.Fatalf("got %q", first)
	}
	version := strings.TrimPrefix(first[0], "sqlite: schema version 0 → ")
	equal(t, run(t, migrate), []string{"sqlite: schema version " + version + " → " + version})
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--no-store-migrate"}, Dir: dir})
	s.Publish("news", "1")
}

func TestVersion(t *testing.T) {
	lines := run(t, pushgatetest.Command{Args: []string{"version"}})
	if len(lines) != 3 || lines[0] != "pushgate test" || !strings.HasPrefix(lines[1], "go1") || !strings.HasPrefix(lines[2], "commit ") {
		t.Errorf("got %q", lines)
	}
}

func TestConfigShowsWhereValuesComeFrom(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.yaml"), []byte("http:\n  address: 127.0.0.1:1\nnamespaces:\n  Orders: {window: 3}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := strings.Join(run(t, pushgatetest.Command{
		Dir: dir, Args: []string{"config", "--ring-messages=9"},
		Env: []string{"PUSHGATE_CONFIG=p.yaml", "PUSHGATE_STORE_URL=postgres://ada:hush@db/x"},
	}), "\n")
	for _, want := range []string{"# p.yaml:2", "messages: 9 ", "# --ring-messages", "postgres://ada:REDACTED@db/x", "# $PUSHGATE_STORE_URL", "  Orders:", "# p.yaml:4"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in:\n%s", want, out)
		}
	}
	line := fails(t, pushgatetest.Command{Dir: dir, Args: []string{"serve", "--config=p.yaml", "--config", "absent.yaml"}}, 2)
	if !strings.Contains(line, "absent.yaml: cannot be read") {
		t.Errorf("got %s", line)
	}
}

func TestHelp(t *testing.T) {
	out := strings.Join(run(t, pushgatetest.Command{}), "\n")
	for _, command := range []string{"serve", "publish", "subscribe", "channels", "subscriptions", "connections", "disconnect", "drain", "reload", "migrate", "config", "version"} {
		if !strings.Contains(out, "\n  "+command+" ") {
			t.Errorf("%s is not in:\n%s", command, out)
		}
		if len(run(t, pushgatetest.Command{Args: []string{command, "--help"}, Env: []string{"PUSHGATE_CONFIG=absent.yaml"}})) < 3 {
			t.Errorf("%s has no help", command)
		}
	}
}
