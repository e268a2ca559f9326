package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// source is what one configuration is made of.
type sources struct {
	args []string
	env  map[string]string
	yaml string
}

type command struct {
	Run struct {
		Flags `embed:""`
	} `cmd:""`
}

// load reads a configuration as a command does; the file is named test.yaml.
func load(t *testing.T, s sources) (*Flags, error) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, EnvPrefix) {
			t.Setenv(name, "")
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Chdir(t.TempDir())
	for name, value := range s.env {
		t.Setenv(name, value)
	}
	args := append([]string{"run"}, s.args...)
	if s.yaml != "" {
		if err := os.WriteFile("test.yaml", []byte(s.yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config=test.yaml")
	}
	var c command
	_, err := kong.Must(&c).Parse(args)
	return &c.Run.Flags, err
}

func mustLoad(t *testing.T, s sources) *Flags {
	t.Helper()
	f, err := load(t, s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func printed(t *testing.T, f *Flags) string {
	t.Helper()
	var b strings.Builder
	if err := f.Print(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPrecedence(t *testing.T) {
	const yaml = `
node: file
http:
  allowed_origins: [https://file.example, https://other.example]
limits: {max_frame: 1KiB}
shutdown:
  drain: 1s
store:
  migrate: false
ring:
  messages: 1
log:
  level: warn
`
	env := map[string]string{
		"PUSHGATE_NODE": "environment", "PUSHGATE_HTTP_ALLOWED_ORIGINS": "https://env.example, https://b.example",
		"PUSHGATE_LIMITS_MAX_FRAME": "2KiB", "PUSHGATE_SHUTDOWN_DRAIN": "2s", "PUSHGATE_STORE_MIGRATE": "no",
		"PUSHGATE_RING_MESSAGES": "2", "PUSHGATE_LOG_LEVEL": "error",
	}
	flags := []string{
		"--node=flag", "--http-allowed-origins=https://flag.example", "--limits-max-frame=3KiB", "--shutdown-drain=3s",
		"--store-migrate", "--ring-messages=3", "--log-level=debug",
	}
	for _, test := range []struct {
		name    string
		sources sources
		want    []string // lines of Print, spaces squeezed
	}{
		{"default", sources{}, []string{
			"allowed_origins: [] # default", "max_frame: 64KiB # default", "drain: 5s # default",
			"migrate: true # default", "messages: 256 # default", "level: info # default",
		}},
		{"file", sources{yaml: yaml}, []string{
			"node: file # test.yaml:2", "allowed_origins: [https://file.example, https://other.example] # test.yaml:4",
			"max_frame: 1KiB # test.yaml:5", "drain: 1s # test.yaml:7", "migrate: false # test.yaml:9",
			"messages: 1 # test.yaml:11", "level: warn # test.yaml:13",
		}},
		{"environment over file", sources{yaml: yaml, env: env}, []string{
			"node: environment # $PUSHGATE_NODE",
			"allowed_origins: [https://env.example, https://b.example] # $PUSHGATE_HTTP_ALLOWED_ORIGINS",
			"max_frame: 2KiB # $PUSHGATE_LIMITS_MAX_FRAME", "drain: 2s # $PUSHGATE_SHUTDOWN_DRAIN",
			"migrate: false # $PUSHGATE_STORE_MIGRATE", "messages: 2 # $PUSHGATE_RING_MESSAGES", "level: error # $PUSHGATE_LOG_LEVEL",
		}},
		{"flag over environment and file", sources{yaml: yaml, env: env, args: flags}, []string{
			"node: flag # --node", "allowed_origins: [https://flag.example] # --http-allowed-origins",
			"max_frame: 3KiB # --limits-max-frame", "drain: 3s # --shutdown-drain",
			"migrate: true # --store-migrate", "messages: 3 # --ring-messages", "level: debug # --log-level",
		}},
		{"an empty variable is none", sources{yaml: yaml, env: map[string]string{"PUSHGATE_NODE": ""}}, []string{"node: file # test.yaml:2"}},
		{"a negated flag", sources{args: []string{"--no-store-migrate"}}, []string{"migrate: false # --store-migrate"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := "\n" + squeeze(printed(t, mustLoad(t, test.sources)))
			for _, want := range test.want {
				if !strings.Contains(got, "\n"+want+"\n") {
					t.Errorf("no line %q in:%s", want, got)
				}
			}
		})
	}
}

// squeeze makes each run of spaces one, and takes those at the start away.
func squeeze(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
	}
	return b.String()
}

func TestConfigByEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.yaml")
	if err := os.WriteFile(path, []byte("node: here\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f := mustLoad(t, sources{env: map[string]string{"PUSHGATE_CONFIG": path}}); f.Node != "here" {
		t.Errorf("node is %q", f.Node)
	}
}

func TestNodeIsTheHost(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if f := mustLoad(t, sources{}); f.Node != host {
		t.Errorf("node is %q, the host %q", f.Node, host)
	}
}

func TestPrintCanBeRead(t *testing.T) {
	first := mustLoad(t, sources{yaml: `
node: "a: b # c"
http: {allowed_origins: ["*", https://x.example]}
namespaces:
  Orders: {window: 7, retention: {age: 7d, bytes: 1GiB}}
  "null": {durable: false}
`})
	text := printed(t, first)
	second := mustLoad(t, sources{yaml: text})
	strip := func(text string) string {
		var b strings.Builder
		for line := range strings.Lines(text) {
			if comment := strings.LastIndex(line, " # "); comment >= 0 {
				line = line[:comment]
			}
			b.WriteString(strings.TrimRight(line, " \n") + "\n")
		}
		return b.String()
	}
	if a, b := strip(text), strip(printed(t, second)); a != b {
		t.Errorf("first:\n%s\nthen:\n%s", a, b)
	}
}
