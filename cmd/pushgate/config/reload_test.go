package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const running = `
limits: {max_payload: 1MiB, max_frame: 64KiB}
http: {allowed_origins: [https://a.example]}
namespaces:
  default: {window: 10}
  orders: {window: 20}
  typing: {durable: false}
kafka:
  brokers: [localhost:9092]
  sources:
    same: {topics: [a], channel: a}
    other: {topics: [b], channel: b}
    gone: {topics: [c], channel: c}
`

func TestReload(t *testing.T) {
	for _, test := range []struct {
		name string
		yaml string
		live string // keys that apply
		rest string // keys that need a restart
	}{
		{"nothing", running, "", ""},
		{"live", strings.NewReplacer("1MiB", "2MiB", "https://a.example", "").Replace(running), "http.allowed_origins limits.max_payload", ""},
		{"a key that is new", running + "log: {level: debug}\nshutdown: {drain: 1s}\n", "log.level shutdown.drain", ""},
		{"restart", strings.Replace(running, "64KiB", "32KiB", 1) + "node: b\n", "", "node limits.max_frame"},
		{"both", strings.NewReplacer("1MiB", "2MiB", "64KiB", "32KiB").Replace(running), "limits.max_payload", "limits.max_frame"},
		{"namespaces", strings.NewReplacer("window: 10", "window: 11", "window: 20", "start: earliest").Replace(running),
			"namespaces.default.window namespaces.orders.start namespaces.orders.window namespaces.typing.window", ""},
		{"a new namespace", strings.Replace(running, "  orders:", "  chat: {durable: false, window: 10, client_publish: true}\n  orders:", 1),
			"namespaces.chat.client_publish", "namespaces.chat.durable"},
		{"a namespace is gone", strings.Replace(running, "  typing: {durable: false}\n", "", 1), "", "namespaces.typing.durable"},
		{"sources", strings.NewReplacer("[b]", "[b, d]", "gone:", "come:").Replace(running), "", "kafka.sources.come kafka.sources.gone kafka.sources.other"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := mustLoad(t, sources{yaml: running})
			next := mustLoad(t, sources{yaml: test.yaml})
			merged, changes, err := f.Reload(next)
			if err != nil {
				t.Fatal(err)
			}
			if live, rest := split(changes); live != test.live || rest != test.rest {
				t.Errorf("got live %q, restart %q; want %q, %q", live, rest, test.live, test.rest)
			}
			// What applied is applied; what waits for a restart is named again.
			_, changes, err = merged.Reload(next)
			if err != nil {
				t.Fatal(err)
			}
			if live, rest := split(changes); live != "" || rest != test.rest {
				t.Errorf("again: got live %q, restart %q", live, rest)
			}
			_, changes, err = mustLoad(t, sources{yaml: running}).Reload(f)
			if err != nil || len(changes) > 0 {
				t.Errorf("what was reloaded has changed itself: %v, %v", changes, err)
			}
		})
	}
}

func split(changes []Change) (live, rest string) {
	keys := map[bool][]string{}
	for _, c := range changes {
		keys[c.Live] = append(keys[c.Live], c.Key)
	}
	return strings.Join(keys[true], " "), strings.Join(keys[false], " ")
}

func TestReloadMerges(t *testing.T) {
	f := mustLoad(t, sources{yaml: running})
	merged, _, err := f.Reload(mustLoad(t, sources{yaml: `
limits: {max_payload: 2MiB, max_frame: 32KiB}
namespaces:
  chat: {durable: false}
  typing: {durable: true, subscription_expiry: 3d}
`}))
	if err != nil {
		t.Fatal(err)
	}
	if merged.Limits.MaxPayload != 2<<20 || merged.Limits.MaxFrame != 64<<10 {
		t.Errorf("limits %+v", merged.Limits)
	}
	live := merged.Live()
	if live.MaxPayload != 2<<20 || live.Namespaces.Default.Window != 256 {
		t.Errorf("got %+v", live)
	}
	for channel, want := range map[string]string{
		"news": "true 256 0s", "orders:1": "true 256 0s", "chat:1": "true 256 0s", "typing:1": "false 256 72h0m0s",
	} {
		n := live.Namespaces.Of(channel)
		if got := fmt.Sprint(n.Durable, n.Window, n.SubscriptionExpiry.Round(time.Second)); got != want {
			t.Errorf("%s: got %s, want %s", channel, got, want)
		}
	}
	var out strings.Builder
	if err := merged.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"max_payload: 2MiB ", "max_frame: 64KiB ", "test.yaml:5"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, out.String())
		}
	}
}

// What fits the file may not fit what goes on running.
func TestReloadChecksWhatIsMerged(t *testing.T) {
	f := mustLoad(t, sources{yaml: "limits: {max_payload: 1MiB}\n"})
	_, _, err := f.Reload(mustLoad(t, sources{yaml: "limits: {max_payload: 20MiB}\ngrpc: {max_message: 32MiB}\n"}))
	if err == nil || !strings.Contains(err.Error(), "grpc.max_message: 16MiB does not hold a payload of limits.max_payload (20MiB)") {
		t.Errorf("got %v", err)
	}
}
