package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pushgate/cmd/pushgate/pushgatetest"
)

// Which key a command shows, of those that it could.
func TestWhichKeyIsShown(t *testing.T) {
	good, hash := newKey(t)
	bad, _ := newKey(t)
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--config", configuration(t, "callers: {a: {keys: ["+hash+"], control: read}}")}})
	dir := t.TempDir()
	file := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	goodFile, badFile := file("good", good+"\n"), file("bad", bad)
	for name, test := range map[string]struct {
		args, env []string
		code      int
		want      string // of the error
	}{
		"a flag":                        {[]string{"--api-key", good}, nil, 0, ""},
		"a file":                        {[]string{"--api-key-file", goodFile}, nil, 0, ""},
		"a variable":                    {nil, []string{"PUSHGATE_API_KEY=" + good}, 0, ""},
		"a variable that names a file":  {nil, []string{"PUSHGATE_API_KEY_FILE=" + goodFile}, 0, ""},
		"a flag before a variable":      {[]string{"--api-key", good}, []string{"PUSHGATE_API_KEY=" + bad}, 0, ""},
		"a file before a variable":      {[]string{"--api-key-file", goodFile}, []string{"PUSHGATE_API_KEY=" + bad}, 0, ""},
		"a flag before a file":          {[]string{"--api-key", good, "--api-key-file", badFile}, nil, 0, ""},
		"none":                          {nil, nil, 1, "--api-key-file or PUSHGATE_API_KEY gives a key"},
		"a wrong one":                   {[]string{"--api-key-file", badFile}, nil, 1, "the key is not known"},
		"an empty file":                 {[]string{"--api-key-file", file("empty", "\n")}, nil, 2, "this is no key"},
		"a file of several":             {[]string{"--api-key-file", file("several", good+"\n"+bad)}, nil, 2, "this is no key"},
		"a file that is not there":      {[]string{"--api-key-file", filepath.Join(dir, "nothing")}, nil, 2, "no such file"},
		"certificate without its key":   {[]string{"--server=https://" + s.GRPC, "--certificate", goodFile}, nil, 2, "give --key, too"},
		"an address of another kind":    {[]string{"--server=http://" + s.GRPC}, nil, 2, "write HOST:PORT, or https://HOST:PORT"},
		"TLS where there is none":       {[]string{"--server=https://" + s.GRPC, "--api-key", good, "--timeout=5s"}, nil, 1, "no connection to"},
		"another kind of https address": {[]string{"--server=HTTPS://" + s.GRPC, "--api-key", good, "--timeout=5s"}, nil, 1, "no connection to"},
	} {
		t.Run(name, func(t *testing.T) {
			c := s.Command("channels", test.args...)
			c.Env = append(c.Env, test.env...)
			r := pushgatetest.Run(t, c)
			if r.Code != test.code || !strings.Contains(r.Err, test.want) || strings.Count(r.Err, "\n") > 1 {
				t.Errorf("exit code %d: %s", r.Code, r.Err)
			}
			if strings.Contains(r.Err, good) || strings.Contains(r.Err, bad) {
				t.Error("the message tells the key")
			}
		})
	}
}

func TestKeyCommandRefuses(t *testing.T) {
	_, hash := newKey(t)
	for _, c := range []pushgatetest.Command{
		{Args: []string{"key", "make", "a b"}}, {Args: []string{"key", "make", "../x"}},
		{Args: []string{"key", "hash"}, In: strings.NewReader(hash + "\n")},
		{Args: []string{"key", "hash"}, In: strings.NewReader("\n")},
	} {
		fails(t, c, 2)
	}
}
