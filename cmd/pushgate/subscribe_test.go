package main_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"pushgate/cmd/pushgate/pushgatetest"
	"pushgate/store/postgres/pgtest"
)

// stores calls test with the arguments of a server for each store.
func stores(t *testing.T, test func(t *testing.T, args []string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, nil) })
	t.Run("postgres", func(t *testing.T) { test(t, []string{"--store-url=" + pgtest.New(t)}) })
}

// What the README promises: a durable subscriber gets what it has missed, in
// order, though the server was killed in between.
func TestKilledServer(t *testing.T) {
	stores(t, func(t *testing.T, args []string) {
		s := pushgatetest.Start(t, pushgatetest.Command{Args: args})
		s.Publish("news", `{"hello":"world"}`)
		subscribe := func(count int) []string {
			t.Helper()
			return run(t, s.Command("subscribe", "news", "--subscriber=ada", "--from=earliest", fmt.Sprintf("--count=%d", count)))
		}
		equal(t, subscribe(1), []string{`news 1 {"hello":"world"}`})
		s.Publish("news", `{"n":1}`)
		s.Publish("news", `{"n":2}`)
		s.Kill()
		s.Restart()
		s.Publish("news", `{"n":3}`)
		equal(t, subscribe(3), []string{`news 2 {"n":1}`, `news 3 {"n":2}`, `news 4 {"n":3}`})
		lines := run(t, s.Command("subscriptions", "--subscriber=ada"))
		if len(lines) != 2 || !strings.HasPrefix(strings.Join(strings.Fields(lines[1]), " "), "ada news 4 0 - no ") {
			t.Errorf("subscriptions:\n%s", strings.Join(lines, "\n"))
		}
	})
}

// A subscribe that goes on over the death of the server prints each message
// once, with a name and without.
func TestFollowsOverRestarts(t *testing.T) {
	stores(t, func(t *testing.T, args []string) {
		s := pushgatetest.Start(t, pushgatetest.Command{Args: args})
		s.Publish("news", "0")
		followers := []*pushgatetest.Process{
			pushgatetest.Launch(t, s.Command("subscribe", "news", "--from=earliest")),
			pushgatetest.Launch(t, s.Command("subscribe", "news", "--from=earliest", "--subscriber=ada")),
		}
		for i := range 3 {
			for _, f := range followers {
				if got, want := f.Line(), fmt.Sprintf("news %d %d", i+1, i); got != want {
					t.Fatalf("got %q, want %q", got, want)
				}
			}
			s.Kill()
			s.Restart()
			s.Publish("news", fmt.Sprint(i+1))
		}
		for _, f := range followers {
			if got, want := f.Line(), "news 4 3"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			f.Signal(syscall.SIGINT)
			if code, rest := f.Wait(), f.Rest(); code != 0 || len(rest) > 0 {
				t.Errorf("exit code %d, rest %q", code, rest)
			}
			if !strings.Contains(f.Stderr(), "connecting again in ") {
				t.Errorf("standard error:\n%s", f.Stderr())
			}
		}
		equal(t, fields(run(t, s.Command("subscriptions")), 4), []string{"SUBSCRIBER CHANNEL CURSOR PENDING", "ada news 4 0"})
	})
}

// fields keeps the first n columns.
func fields(lines []string, n int) []string {
	short := make([]string, len(lines))
	for i, line := range lines {
		short[i] = strings.Join(strings.Fields(line)[:n], " ")
	}
	return short
}

func TestSubscribeSeveral(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{})
	f := pushgatetest.Launch(t, s.Command("subscribe", "a", "b:1", "--count=3", "--subscriber=ada"))
	// It is there when it is listed.
	for len(run(t, s.Command("subscriptions"))) < 3 {
		continue
	}
	s.Publish("a", `"x"`)
	if got := f.Line(); got != `a 1 "x"` {
		t.Errorf("got %q", got)
	}
	run(t, s.Command("publish", "b:1", `{"now":true}`, "--ephemeral"))
	if got := f.Line(); got != `b:1 - {"now":true}` {
		t.Errorf("got %q", got)
	}
	s.Publish("b:1", "\x1b[2J")
	equal(t, f.Rest(), []string{`b:1 1 "\x1b[2J"`})
}

func TestSubscribeTellsGaps(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--config=" + configuration(t, "retention_interval: 50ms\nnamespaces:\n  default: {retention: {messages: 2}}\n")}})
	c := s.Command("publish", "news", "--lines")
	c.In = strings.NewReader("1\n2\n3\n4\n5\n")
	run(t, c)
	for len(run(t, s.Command("channels"))) > 0 && !strings.Contains(run(t, s.Command("channels", "--json"))[0], `"oldestSeq":"4"`) {
		continue
	}
	r := pushgatetest.Run(t, s.Command("subscribe", "news", "--from=1", "--count=2"))
	if r.Code != 0 || r.Out != "news 4 4\nnews 5 5" || r.Err != "gap: news 2–3 will not come (limit)\n" {
		t.Errorf("got %+v", r)
	}
}

func TestSubscribeRefused(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{})
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, `expected "<channel> ..."`},
		{[]string{"news", "--from=yesterday"}, 2, `--from: "yesterday" is not new, earliest, cursor or a seq`},
		{[]string{"news", "--from=cursor"}, 1, `news: invalid_argument: from "cursor" needs a durable subscription`},
		{[]string{" news"}, 1, "invalid_argument: channel has white space at its ends"},
		{[]string{"news", "--subscriber= "}, 1, "the server refuses the connection: "},
		{[]string{"news", "--server=unix:/run/pushgate/http.sock"}, 2, "write ws://HOST:PORT/ws, or wss:// for a node behind TLS"},
		{[]string{"news", "--server=127.0.0.1:8080"}, 2, "is no address of WebSockets"},
		{[]string{"news", "--server=ws://127.0.0.1:1/ws"}, 1, "no connection to ws://127.0.0.1:1/ws; does pushgate serve run there?"},
		{[]string{"news", "--server=ws://" + s.HTTP + "/nothing"}, 1, "the server refuses the connection: 404 Not Found"},
	} {
		if line := fails(t, s.Command("subscribe", test.args...), test.code); !strings.Contains(line, test.want) {
			t.Errorf("%v: got %s", test.args, line)
		}
	}
}
