package ws_test

import (
	"fmt"
	"strings"
	"testing"

	"pushgate/push"
)

// Whichever way a connection has come, it keeps what is promised: order over backlog
// and live messages, acks, messages of every size, an orderly end.
func TestEveryWayKeepsThePromises(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			const messages = 300
			n := start(t, way)
			open := masked(opText, `{"type":"subscribe","id":1,"channel":"a","window":4096}`)
			c := rawOver(t, n.over(n.wide()), "subscriber=ada", open)
			c.expect(opText, "connected")
			c.expect(opText, "subscribed")
			for i := range messages {
				n.publish("a", fmt.Sprintf(`"%s"`, strings.Repeat("x", i*i/4)))
			}
			for seq := range uint64(messages / 2) {
				if e := c.event(); e.Seq != seq+1 {
					t.Fatalf("got %+v, want seq %d", e, seq+1)
				}
			}
			acks := n.engine.WatchDeliveries("a", "ada")
			defer acks.Close()
			c.write(masked(opText, fmt.Sprintf(`{"type":"ack","channel":"a","seq":%d}`, messages/3)))
			<-acks.C // a socket that is closed with something unread takes back what it has sent
			_ = c.conn.Close()
			eventually(t, func() bool { return n.engine.Sessions() == 0 })

			again := rawOver(t, n.over(n.wide()), "subscriber=ada")
			again.expect(opText, "connected")
			for seq := uint64(messages / 3); seq < messages; seq++ {
				if e := again.event(); e.Seq != seq+1 {
					t.Fatalf("got %+v, want seq %d", e, seq+1)
				}
			}
			n.publish("a", `"live"`)
			if e := again.event(); e.Seq != messages+1 {
				t.Fatalf("got %+v", e)
			}
			n.engine.EachSession(func(s *push.Session) { s.End(push.Draining()) })
			again.expect(opText, "closing")
			again.expect(opClose, "")
		})
	}
}
