package crashtest

import (
	"testing"

	"github.com/coder/websocket"
)

// A client without a cursor says itself where it goes on, and misses nothing
// either.
func TestClientResumesByPositionOverKills(t *testing.T) {
	t.Parallel()
	chance := newChance(t)
	n := start(t)
	l := newLedger(t)
	finish := press(t, &publisher{
		t: t, name: "p", ledger: l, channels: []string{"news"}, by: stream(n.publish), random: chance.generator(), padding: 100,
	})
	got := make(map[uint64]string)
	position, epoch := uint64(0), ""
	for range 4 {
		c := dial(t, n.socket)
		c.expect("connected")
		c.send(map[string]any{"type": "subscribe", "id": 1, "channel": "news", "from": position, "epoch": epoch})
		subscribed := c.expect("subscribed")
		if epoch != "" && subscribed.Epoch != epoch {
			t.Fatalf("the epoch was %s, and is %s", epoch, subscribed.Epoch)
		}
		epoch = subscribed.Epoch
		for range load(500) {
			f := c.expect("message")
			if f.Seq != position+1 {
				t.Fatalf("seq %d came after %d", f.Seq, position)
			}
			position, got[f.Seq] = f.Seq, f.MessageID
		}
		n.Kill()
		if code := c.closed(); code != -1 {
			t.Errorf("the connection ended with code %d", code)
		}
		n.Restart()
	}
	finish()
	for seq, id := range got {
		if known := l.ids[place{"news", seq}]; known != id {
			t.Errorf("seq %d was message %q, but was answered to %q", seq, id, known)
		}
	}
}

// closed waits for the end of the connection, and answers its code.
func (c *client) closed() websocket.StatusCode {
	c.t.Helper()
	for {
		if _, err := c.read(limited(c.t)); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}
