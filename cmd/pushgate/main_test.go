package main_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"pushgate/cmd/pushgate/pushgatetest"
)

func TestMain(m *testing.M) { pushgatetest.Main(m) }

// run runs a command that has to succeed, and answers its lines.
func run(t *testing.T, c pushgatetest.Command) []string {
	t.Helper()
	r := pushgatetest.Run(t, c)
	if r.Code != 0 {
		t.Fatalf("pushgate %s: exit code %d: %s", strings.Join(c.Args, " "), r.Code, r.Err)
	}
	if r.Out == "" {
		return nil
	}
	return strings.Split(r.Out, "\n")
}

// fails runs a command that has to fail with one line on standard error and
// none on standard output; it answers the line.
func fails(t *testing.T, c pushgatetest.Command, code int) string {
	t.Helper()
	r := pushgatetest.Run(t, c)
	line, rest, _ := strings.Cut(r.Err, "\n")
	if r.Code != code || r.Out != "" || rest != "" || !strings.HasPrefix(line, "pushgate: ") {
		t.Errorf("pushgate %s: exit code %d, output %q, standard error:\n%s", strings.Join(c.Args, " "), r.Code, r.Out, r.Err)
	}
	return line
}

// eventually asks again and again for what nothing signals.
func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(pushgatetest.Patience); !condition(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come about within %s", pushgatetest.Patience)
		}
	}
}

func equal(t *testing.T, got, want []string) {
	t.Helper()
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("got:\n%s\nwant:\n%s", a, b)
	}
}

// page is the body of an answer.
func page(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func status(t *testing.T, url string) int {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode
}
