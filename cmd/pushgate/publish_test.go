package main_test

import (
	"fmt"
	"strings"
	"testing"

	"pushgate/cmd/pushgate/pushgatetest"
)

func TestPublish(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{})
	publish := func(in string, args ...string) []string {
		t.Helper()
		c := s.Command("publish", args...)
		c.In = strings.NewReader(in)
		return run(t, c)
	}
	equal(t, publish("", "news", `{"a": 1}`), []string{"seq 1"})
	equal(t, publish("", "news", "hello, world"), []string{"seq 2"})
	equal(t, publish("[1,\n2]\n", "news", "-"), []string{"seq 3"})
	equal(t, publish("from\nstdin\n", "news", "-"), []string{"seq 4"})
	equal(t, publish("\xff\x00", "news", "-"), []string{"seq 5"})
	equal(t, publish("", "news", `"kept"`, "--content-type=text/plain"), []string{"seq 6"})
	equal(t, publish("", "news", "7", "--message-id=seven", "--header=k=v;w", "--header=l=m=n", "--ttl=1h"), []string{"seq 7"})
	equal(t, publish("", "news", "8", "--message-id=seven"), []string{"seq 7 (duplicate)"})
	equal(t, publish("", "news", "now", "--ephemeral"), []string{"ephemeral"})

	equal(t, run(t, s.Command("subscribe", "news", "--from=earliest", "--count=7")), []string{
		`news 1 {"a":1}`, "news 2 hello, world", "news 3 [1,2]", `news 4 "from\nstdin"`, "news 5 /wA=", `news 6 "kept"`, "news 7 7",
	})
	frames := run(t, s.Command("subscribe", "news", "--from=6", "--count=1", "--json"))
	if len(frames) != 1 || !strings.Contains(frames[0], `"seq":7,"data":7,"messageId":"seven"`) ||
		!strings.Contains(frames[0], `"k":"v;w"`) || !strings.Contains(frames[0], `"l":"m=n"`) {
		t.Errorf("got %q", frames)
	}
}

func TestPublishLines(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{})
	const n = 3000
	var in strings.Builder
	var answers, messages []string
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&in, "{\"n\":%d}\n\n", i)
		answers = append(answers, fmt.Sprintf("seq %d", i))
		messages = append(messages, fmt.Sprintf(`news %d {"n":%d}`, i, i))
	}
	c := s.Command("publish", "news", "--lines")
	c.In = strings.NewReader(strings.TrimSuffix(in.String(), "\n\n"))
	equal(t, run(t, c), answers)
	equal(t, run(t, s.Command("subscribe", "news", "--from=earliest", fmt.Sprintf("--count=%d", n))), messages)
}

// One line that is refused does not hold up the others.
func TestPublishLinesRefused(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--limits-max-payload=10"}})
	c := s.Command("publish", "news", "--lines")
	c.In = strings.NewReader("one\r\n" + strings.Repeat("x", 11) + "\nthree")
	r := pushgatetest.Run(t, c)
	if r.Code != 1 || r.Out != "seq 1\nseq 2" || !strings.HasPrefix(r.Err, "line 2: InvalidArgument: ") ||
		!strings.HasSuffix(r.Err, "pushgate: 1 of 3 messages were not published\n") {
		t.Errorf("got %+v", r)
	}
}

func TestPublishRefused(t *testing.T) {
	s := pushgatetest.Start(t, pushgatetest.Command{})
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"news"}, 2, "the payload is missing"},
		{[]string{}, 2, `expected "<channel>`},
		{[]string{"news", "x", "--lines"}, 2, "leave the payload out"},
		{[]string{"news", "--lines", "--message-id=x"}, 2, "--message-id is of one message"},
		{[]string{" news", "1"}, 1, "InvalidArgument: channel has white space at its ends"},
		{[]string{"news", "x", "--content-type=application/json"}, 1, "InvalidArgument: "},
		{[]string{"news", "1", "--server=127.0.0.1:1"}, 1, "no connection to 127.0.0.1:1; does pushgate serve run there?"},
	} {
		if line := fails(t, s.Command("publish", test.args...), test.code); !strings.Contains(line, test.want) {
			t.Errorf("%v: got %s", test.args, line)
		}
	}
}
