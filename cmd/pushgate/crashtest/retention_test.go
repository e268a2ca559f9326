package crashtest

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

const retentionConfig = `
retention_interval: 100ms
namespaces:
  few:
    retention: {messages: 10}
  some:
    retention: {messages: 500}
  short:
    retention: {age: 1500ms}
`

func startWithRetention(t *testing.T) *node {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pushgate.yaml")
	if err := os.WriteFile(path, []byte(retentionConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, "--config", path)
}

func TestAwayForMoreThanIsRetained(t *testing.T) {
	t.Parallel()
	n := startWithRetention(t)
	const channel = "few:1"
	n.leaveAfterFirst("ada", channel)
	for range 49 {
		n.send(channel, `"more"`)
	}
	poll(t, "retention", func() bool { return n.channel(channel).GetOldestSeq() == 41 })

	c := dial(t, n.socket+"?subscriber=ada")
	c.expect("connected")
	if f := c.expect("gap"); f.Channel != channel || f.From != 2 || f.To != 40 || f.Reason != "limit" {
		t.Errorf("got %+v, want a gap from 2 to 40 by the limit", f)
	}
	c.messages(channel, 41, 50)
	n.send(channel, `"live"`)
	c.messages(channel, 51, 51)
}

func TestAwayForLongerThanIsRetained(t *testing.T) {
	t.Parallel()
	n := startWithRetention(t)
	const channel = "short:1"
	n.leaveAfterFirst("ada", channel)
	for range 4 {
		n.send(channel, `"old"`)
	}
	poll(t, "retention", func() bool { return n.channel(channel).GetMessages() == 0 })
	published := time.Now()
	n.send(channel, `"new"`)
	n.send(channel, `"new"`)

	c := dial(t, n.socket+"?subscriber=ada")
	c.expect("connected")
	gap := c.expect("gap")
	if gap.Channel != channel || gap.From != 2 || gap.To < 5 || gap.Reason != "expired" {
		t.Errorf("got %+v, want a gap from 2 to 5 by expiry", gap)
	}
	// On a machine that stands still the new ones may be too old as well.
	if gap.To > 5 && time.Since(published) < time.Second {
		t.Errorf("the gap ends at %d, want 5", gap.To)
	}
	c.messages(channel, gap.To+1, 7)
}

func TestKilledWhileRetentionRemoves(t *testing.T) {
	t.Parallel()
	chance := newChance(t)
	n := startWithRetention(t)
	l := newLedger(t)
	// A publish that is tried again is known as such only as long as the first
	// is retained: that is more than can be under way.
	channels := []string{"some:1"}
	for _, name := range []string{"ada", "away"} {
		n.subscription(name, channels...)
	}
	ada := follow(t, n.socket, "ada", chance.generator())
	finish := press(t, crowd(t, l, n, chance, channels)...)
	for range 3 {
		l.waitPublished(600)
		before := n.channel(channels[0]).GetOldestSeq()
		poll(t, "retention", func() bool { return n.channel(channels[0]).GetOldestSeq() > before })
		n.Kill()
		n.Restart()
	}
	finish()
	l.verifyReceived(ada)
	away := follow(t, n.socket, "away", chance.generator())
	l.verifyReceived(away)
	away.lock.Lock()
	defer away.lock.Unlock()
	if len(away.gaps) < len(channels) {
		t.Errorf("who was away was told of %d gaps", len(away.gaps))
	}
	for _, g := range away.gaps {
		if g.Reason != "limit" {
			t.Errorf("got %+v, want reason limit", g)
		}
	}
}

// leaveAfterFirst lets a subscriber ack the first message of a channel and go.
func (n *node) leaveAfterFirst(subscriber, channel string) {
	n.t.Helper()
	receipts := n.watchDeliveries(channel)
	c := dial(n.t, n.socket+"?subscriber="+subscriber)
	c.expect("connected")
	c.send(map[string]any{"type": "subscribe", "id": 1, "channel": channel})
	c.expect("subscribed")
	n.send(channel, `"first"`)
	c.messages(channel, 1, 1)
	c.ack(channel, 1)
	receipts.acked(subscriber, 1)
	_ = c.socket.CloseNow()
}
