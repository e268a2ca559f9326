package push

import (
	"strings"
	"testing"
)

func TestReload(t *testing.T) {
	e := startEngine(t, openStore(t), func(c *Config) { c.MaxPayload = 3 })
	publish := func() error {
		_, err := e.Publish(t.Context(), Publication{Channel: "news", Data: []byte(`12345`)})
		return err
	}
	if publish() == nil {
		t.Error("a payload over the limit was taken")
	}
	next := *e.cfg.current()
	next.MaxPayload = 5
	if err := e.Reload(next); err != nil {
		t.Fatal(err)
	}
	if err := publish(); err != nil {
		t.Error(err)
	}
	chat := DefaultNamespace()
	chat.Durable = false
	for want, change := range map[string]func(*Live){
		"max_payload: must be positive":       func(l *Live) { l.MaxPayload = 0 },
		"window_bytes: must be positive":      func(l *Live) { l.WindowBytes = 0 },
		"max_subscriptions: must be positive": func(l *Live) { l.MaxSubscriptions = -1 },
		"do not hold one payload":             func(l *Live) { l.MaxPayload = 1 << 30 },
		"window: 0 is not between":            func(l *Live) { l.Namespaces.Default.Window = 0 },
		`namespace "default": durable cannot`: func(l *Live) { l.Namespaces.Default.Durable = false },
		`namespace "chat": durable cannot`:    func(l *Live) { l.Namespaces.ByName = map[string]Namespace{"chat": chat} },
	} {
		bad := next
		change(&bad)
		if err := e.Reload(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if err := publish(); err != nil {
		t.Errorf("a refused reload changed something: %v", err)
	}
}
