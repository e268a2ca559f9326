package ws_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"pushgate/push"
)

// Clients that stop reading cost their outbox and what is on its way to the
// socket, however much is published.
func TestMemoryOfStalledClientsIsBounded(t *testing.T) {
	const (
		clients = 200
		size    = 10 << 10
		volume  = 50 << 20
		outbox  = 16 << 10
	)
	n := start(t, narrow, func(s *setup) {
		s.OutboxBytes = outbox
		s.Namespaces.ByName = map[string]push.Namespace{"live": {Window: 1}}
	})
	quick := n.dial("subscriber=quick")
	quick.expect("connected", nil)
	quick.subscribe(frame{"channel": "a", "window": 4096})
	for i := range clients {
		query := "channel=a&channel=live:a"
		if i%2 == 0 {
			query = fmt.Sprintf("%s&subscriber=s%d", query, i)
		}
		c := n.rawDial(query)
		c.expect(opText, "connected")
		c.expect(opText, "subscribed")
		c.expect(opText, "subscribed")
	}
	before := heap()
	data := []byte(`"` + strings.Repeat("x", size-2) + `"`)
	for seq := range uint64(volume / size / 2) {
		for _, channel := range []string{"a", "live:a"} {
			if _, err := n.engine.Publish(t.Context(), push.Publication{Channel: channel, Data: data}); err != nil {
				t.Fatal(err)
			}
		}
		quick.messages("a", seq+1, seq+1)
		if seq%100 == 99 {
			quick.ack("a", seq+1)
		}
	}
	// Of each client: the outbox and one message more, and as much between the
	// outbox and the socket.
	const bound = clients*2*(outbox+2*size) + 4<<20
	if grown := heap() - before; grown > bound {
		t.Errorf("the heap has grown by %d bytes, %d for each client; the bound is %d", grown, grown/clients, bound)
	}
}

// A connection that negotiated compression, and has used it, costs little more
// than one that has not.
func TestMemoryOfCompressedConnections(t *testing.T) {
	const connections = 500
	cost := func(n *node, connect func() *rawClient) int {
		open := func() *rawClient {
			c := connect()
			c.expect(opText, "connected")
			c.expect(opText, "subscribed")
			c.expect(opText, "pong")
			return c
		}
		first := open()
		n.publish("a", text(4*threshold))
		if _, _, err := first.read(); err != nil {
			t.Fatal(err)
		}
		before := heap()
		for range connections {
			open()
		}
		return (heap() - before) / connections
	}
	plain := start(t)
	without := cost(plain, func() *rawClient { return plain.rawDial("channel=a", masked(opText, ping)) })
	packed := start(t, compression)
	with := cost(packed, func() *rawClient {
		c, _ := packed.rawDeflate("channel=a", offer, masked(opDeflated, deflate(t, ping)))
		return c
	})
	if with > without+2<<10 {
		t.Errorf("%d bytes, with compression %d", without, with)
	}
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}
