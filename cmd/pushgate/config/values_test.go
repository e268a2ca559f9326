package config

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pushgate/push"
)

func describe(c push.Config) string {
	c.Logger, c.Registry = nil, nil
	return fmt.Sprintf("%+v", c)
}

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "1": 1, "65536": 65536, "64KiB": 65536, " 64 KiB ": 65536, "1MiB": 1 << 20, "2GiB": 2 << 30,
		"": -1, "KiB": -1, "-1": -1, "1.5MiB": -1, "64KB": -1, "64kib": -1, "1e3": -1, "9999999999GiB": -1,
	} {
		var got Size
		err := got.UnmarshalText([]byte(text))
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
	for size, want := range map[Size]string{0: "0", 1: "1", 1000: "1000", 65536: "64KiB", 1 << 20: "1MiB", 3 << 30: "3GiB"} {
		if size.String() != want {
			t.Errorf("got %q, want %q", size, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "300ms": 300 * time.Millisecond, "1h30m": 90 * time.Minute, "72h": 72 * time.Hour, "3d": 72 * time.Hour,
		"1d12h": 36 * time.Hour, " 5s ": 5 * time.Second,
		"": -1, "5": -1, "d": -1, "-1s": -1, "-1d": -1, "1.5d": -1, "1h1d": -1, "1w": -1, "9999999d": -1, "106751d24h": -1,
	} {
		var got Duration
		err := got.UnmarshalText([]byte(text))
		if (err != nil) != (want < 0) || err == nil && got != Duration(want) {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", time.Minute: "1m", time.Hour: "1h", 72 * time.Hour: "72h", 90 * time.Second: "1m30s",
		10 * time.Second: "10s", 10 * time.Minute: "10m", time.Hour + time.Second: "1h0m1s", 1500 * time.Millisecond: "1.5s",
	} {
		if got := Duration(d).String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestRedaction(t *testing.T) {
	for url, want := range map[string]string{
		"":                                              "",
		"sqlite:/data/x.db":                             "sqlite:/data/x.db",
		"postgres://ada@db/x":                           "postgres://ada@db/x",
		"postgres://ada:secret@db/x":                    "postgres://ada:REDACTED@db/x",
		"postgres://db/x?password=secret":               "postgres://db/x?password=REDACTED",
		"postgres://db/x?sslpassword=a%20":              "postgres://db/x?sslpassword=REDACTED",
		"postgres://ada:se%zzcret@db/x":                 "REDACTED",
		"postgres://db/x?password=se%zz":                "REDACTED",
		"postgres://db/x?password=se;cret":              "REDACTED",
		"postgres://db/x?a=%zz&password=se":             "REDACTED",
		"postgres://db/x?password=a#secret":             "REDACTED",
		"postgres://db/x#password=secret":               "REDACTED",
		"postgres://ada:12/cret@db/x":                   "REDACTED",
		"postgres://ada:12?cret@db/x":                   "REDACTED",
		"host=db password=secret":                       "REDACTED",
		"secret":                                        "REDACTED",
		"postgres://ada@db/x?sslmode=disable&host=/tmp": "postgres://ada@db/x?sslmode=disable&host=/tmp",
	} {
		if got := redact(url); got != want {
			t.Errorf("%q: got %q, want %q", url, got, want)
		}
	}
	for url, want := range map[string]string{
		"https://login.example/keys":         "https://login.example/keys",
		"https://login.example/keys?key=se":  "https://login.example/keys?REDACTED",
		"https://me:se@login.example/keys":   "https://me:REDACTED@login.example/keys",
		"https://me:se%zz@login.example/":    "REDACTED",
		"https://login.example/keys?se;cret": "REDACTED",
		"https://login.example/keys#secret":  "REDACTED",
	} {
		if got := redactQuery(url); got != want {
			t.Errorf("%q: got %q, want %q", url, got, want)
		}
	}
	text := printed(t, mustLoad(t, sources{env: map[string]string{"PUSHGATE_STORE_URL": "postgres://ada:hunter2@db/x", "PUSHGATE_TOKEN_SECRET": strings.Repeat("hunter2", 5)}}))
	if strings.Contains(text, "hunter2") || !strings.Contains(text, "postgres://ada:REDACTED@db/x") {
		t.Errorf("printed:\n%s", text)
	}
}

func TestDocumentationIsFresh(t *testing.T) {
	const page = "../../../docs/configuration.md"
	committed, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := Markdown(&b); err != nil {
		t.Fatal(err)
	}
	if b.String() != string(committed) {
		t.Error("docs/configuration.md is stale; run: go run ./cmd/pushgate config --markdown > docs/configuration.md")
	}
}
