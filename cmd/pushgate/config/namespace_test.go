package config

import (
	"testing"
	"time"

	"pushgate/push"
	"pushgate/store"
)

func TestNamespaces(t *testing.T) {
	got := mustLoad(t, sources{yaml: `
namespaces:
  Orders: # keeps its case
    retention: &kept {messages: 5, bytes: 2KiB}
    start: earliest
  orders:
    retention: *kept
    window: 1
  typing:
    retention:
      <<: *kept
      bytes: 3
    durable: false
    client_publish: true
  empty:
  42: {}
  default: # counts for those above too
    subscription_expiry: 30d
    retention: {age: 1h}
`}).Engine().Namespaces
	base := push.Namespace{
		Durable: true, Retention: push.Retention{Age: time.Hour}, Start: store.StartNew, Window: 256, SubscriptionExpiry: 30 * day,
	}
	want := map[string]push.Namespace{"Orders": base, "orders": base, "typing": base, "empty": base, "42": base}
	kept := push.Retention{Age: time.Hour, Messages: 5, Bytes: 2048}
	change := func(name string, f func(*push.Namespace)) {
		n := want[name]
		f(&n)
		want[name] = n
	}
	change("Orders", func(n *push.Namespace) { n.Retention, n.Start = kept, store.StartEarliest })
	change("orders", func(n *push.Namespace) { n.Retention, n.Window = kept, 1 })
	change("typing", func(n *push.Namespace) {
		n.Retention, n.Durable, n.ClientPublish = kept, false, true
		n.Retention.Bytes = 3
	})
	if got.Default != base {
		t.Errorf("default: got %+v, want %+v", got.Default, base)
	}
	if len(got.ByName) != len(want) {
		t.Errorf("got %d namespaces", len(got.ByName))
	}
	for name, n := range want {
		if got.ByName[name] != n {
			t.Errorf("%s: got %+v, want %+v", name, got.ByName[name], n)
		}
	}
}

// The defaults stand here and in push; they have to be the same.
func TestDefaultsAreTheEngines(t *testing.T) {
	got, want := mustLoad(t, sources{}).Engine(), push.DefaultConfig()
	if got.Namespaces.Default != want.Namespaces.Default || len(got.Namespaces.ByName) != 0 {
		t.Errorf("namespaces: got %+v, want %+v", got.Namespaces, want.Namespaces)
	}
	got.Namespaces, want.Namespaces = push.Namespaces{}, push.Namespaces{}
	got.Node, got.Logger, got.Registry = want.Node, want.Logger, want.Registry
	if g, w := describe(got), describe(want); g != w {
		t.Errorf("got  %s\nwant %s", g, w)
	}
	if err := mustLoad(t, sources{}).Engine().Validate(); err != nil {
		t.Error(err)
	}
}
