package ws_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"pushgate/push"
)

// Subscribers of one channel, compressed and not, some of which stop reading for a
// while, see the same bytes in the same order.
func TestCompressedAndPlainSubscribersSeeTheSame(t *testing.T) {
	const messages, each = 150, 3
	n := start(t, narrow, compression, func(s *setup) { s.options.HeartbeatInterval = time.Hour })
	var quick, slow sync.WaitGroup
	seen := make(chan [][]byte, 4*each)
	published := make(chan struct{})
	follow := func(c *rawClient) {
		var all [][]byte
		for range messages {
			op, payload, err := c.read()
			if err != nil {
				t.Error(err)
				break
			}
			switch op {
			case opText:
			case opDeflated:
				payload = inflate(t, payload)
			default:
				t.Errorf("a frame that begins with %#x", op)
			}
			all = append(all, payload)
		}
		seen <- all
	}
	for i := range each {
		for _, deflated := range []bool{true, false} {
			for _, late := range []bool{true, false} {
				query := fmt.Sprintf("subscriber=%d-%v-%v", i, deflated, late)
				open := masked(opText, `{"type":"subscribe","id":1,"channel":"a","window":4096}`)
				var c *rawClient
				if deflated {
					c, _ = n.rawDeflate(query, offer, open)
				} else {
					c = n.rawDial(query, open)
				}
				c.expect(opText, "connected")
				c.expect(opText, "subscribed")
				if late {
					slow.Go(func() {
						<-published
						c.catchUp()
						follow(c)
					})
					continue
				}
				c.catchUp()
				quick.Go(func() { follow(c) })
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range messages {
		// On both sides of the threshold, and now and then as long as a write.
		size := r.IntN(3 * threshold)
		if i%100 == 50 {
			size = 70_000
		}
		data := fmt.Sprintf(`{"n":%d,"pad":"%s"}`, i, strings.Repeat(string(rune('a'+i%26)), size))
		if _, err := n.engine.Publish(t.Context(), push.Publication{Channel: "a", Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
	}
	quick.Wait()
	close(published)
	slow.Wait()
	close(seen)
	first := <-seen
	for i, message := range first {
		if want := fmt.Appendf(nil, `"seq":%d,`, i+1); !bytes.Contains(message, want) {
			t.Fatalf("message %d is %.100s", i+1, message)
		}
	}
	for other := range seen {
		for i := range first {
			if !bytes.Equal(first[i], other[i]) {
				t.Fatalf("message %d: %.100s and %.100s", i+1, first[i], other[i])
			}
		}
	}
	if n.counted("pushgate_compressed_messages_total", "") == 0 {
		t.Error("nothing was compressed")
	}
}

// Connections that break while their next message is being compressed take
// nothing with them.
func TestConnectionsEndWhileTheirMessagesAreCompressed(t *testing.T) {
	n := start(t, compression, func(s *setup) { s.options.Compression.Level = 9 })
	stays := n.dialDeflate("channel=live:a")
	stays.expect("connected", nil)
	stays.expect("subscribed", nil)
	for i := range 40 {
		leaves := n.dialDeflate("channel=live:a&subscriber=leaves")
		leaves.expect("connected", nil)
		if _, err := n.engine.Publish(t.Context(), push.Publication{Channel: "live:a", Data: fmt.Appendf(nil, `{"n":%d,"pad":%s}`, i, text(50_000)), Ephemeral: true}); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			_ = leaves.socket.CloseNow()
		} else {
			n.engine.Disconnect("", "leaves", push.Draining())
		}
		if got := stays.expect("message", nil)["data"].(map[string]any)["n"]; got != float64(i) {
			t.Fatalf("got %v, want %d", got, i)
		}
	}
}
