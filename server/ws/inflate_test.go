package ws_test

import (
	"encoding/binary"
	"runtime"
	"strings"
	"testing"
	"time"
)

// maxFrame is the greatest length of a client's frame, by default.
const maxFrame = 64 << 10

// padded is a ping of some length.
func padded(size int) string {
	const text = `{"type":"ping","id":1}`
	return text + strings.Repeat(" ", size-len(text))
}

func (n *node) rawCompressed(early ...[]byte) *rawClient {
	n.t.Helper()
	c, got := n.rawDeflate("", offer, early...)
	if got != accepted {
		n.t.Fatalf("negotiated %q", got)
	}
	c.expect(opText, "connected")
	return c
}

func TestCompressedFramesOfClients(t *testing.T) {
	n := start(t, compression)
	packed := deflate(t, ping)
	third := len(packed) / 3
	// Stored blocks, an empty one, and a final one (RFC 7692 §7.2.3).
	stored := "\x00" + string([]byte{byte(len(ping)), 0, ^byte(len(ping)), 0xff}) + ping
	for name, frames := range map[string][][]byte{
		"whole":                {masked(opDeflated, packed)},
		"plain":                {masked(opText, ping)},
		"plain in fragments":   {masked(0x01, ping[:5]), masked(opContinuation, ""), masked(opContinuationLast, ping[5:])},
		"in fragments":         {masked(opDeflatedBegin, packed[:third]), masked(opContinuation, packed[third:2*third]), masked(opContinuationLast, packed[2*third:])},
		"in empty fragments":   {masked(opDeflatedBegin, ""), masked(opContinuation, packed), masked(opContinuationLast, "")},
		"as long as allowed":   {masked(opDeflated, deflate(t, padded(maxFrame)))},
		"a stored block":       {masked(opDeflated, stored+"\x00")},
		"an empty block first": {masked(opDeflated, "\x00\x00\x00\xff\xff"+packed)},
		"a final block":        {masked(opDeflated, "\x01"+stored[1:]+"\x00")},
		"nothing behind it":    {masked(opDeflated, "\x01"+stored[1:])},
	} {
		t.Run(name, func(t *testing.T) {
			c := n.rawCompressed()
			c.t = t
			for range 3 { // nothing of one is left for the next
				for _, f := range frames {
					c.write(f)
				}
				c.expect(opText, "pong")
				c.write(masked(opDeflated, packed))
				c.expect(opText, "pong")
			}
		})
	}
}

func TestControlFramesBetweenCompressedFragments(t *testing.T) {
	n := start(t, compression)
	packed := deflate(t, ping)
	c := n.rawCompressed()
	c.write(masked(opDeflatedBegin, packed[:2]))
	c.write(masked(opPing, "are you there?"))
	if got := c.expect(opPong, ""); string(got) != "are you there?" {
		t.Fatalf("pong %q", got)
	}
	for _, b := range masked(opContinuation, packed[2:7]) {
		c.write([]byte{b})
	}
	c.write(masked(opPong, "unasked"))
	c.write(masked(opContinuationLast, packed[7:]))
	c.expect(opText, "pong")
	c.write(masked(opDeflated, packed))
	c.expect(opText, "pong")
	c.write(masked(opClose, "\x03\xe8"))
	c.closed(1000)
}

func TestCompressedFramesInOneSegmentWithTheRequest(t *testing.T) {
	n := start(t, compression)
	for _, size := range []int{len(ping), 20_000} {
		packed := deflate(t, padded(size))
		c := n.rawCompressed(masked(opDeflated, packed), masked(opDeflated, packed)[:7])
		c.expect(opText, "pong")
		c.write(masked(opDeflated, packed)[7:])
		c.expect(opText, "pong")
	}
}

// An empty compressed message is one, and so is a binary one: they are answered.
func TestCompressedFramesThatAreNoRequests(t *testing.T) {
	n := start(t, compression)
	c := n.rawCompressed()
	for _, f := range [][]byte{masked(opDeflated, "\x00"), masked(0xc2, deflate(t, ping)), masked(opDeflated, deflate(t, "nonsense"))} {
		c.write(f)
		c.expect(opText, "error")
	}
	c.write(masked(opDeflated, deflate(t, ping)))
	c.expect(opText, "pong")
}

func TestBrokenCompressedFramesClose(t *testing.T) {
	n := start(t, compression)
	packed := deflate(t, ping)
	endless := append([]byte{opDeflated, 0x80 | 127}, binary.BigEndian.AppendUint64(nil, 1<<63)...)
	for name, bytes := range map[string][]byte{
		"unmasked":                              append([]byte{opDeflated, byte(len(packed))}, packed...),
		"no deflate":                            masked(opDeflated, "\xff\xff\xff\xff"),
		"cut off":                               masked(opDeflated, packed[:len(packed)/2]),
		"a distance before the beginning":       masked(opDeflated, "\x4b\x04\x62\x00"),
		"another reserved bit":                  masked(0xa1, packed),
		"all reserved bits":                     masked(0xf1, packed),
		"a compressed continuation":             append(masked(opDeflatedBegin, packed[:3]), masked(0xc0, packed[3:])...),
		"a compressed continuation of plain":    append(masked(0x01, "{"), masked(0xc0, packed)...),
		"a compressed continuation of nothing":  masked(0xc0, packed),
		"a compressed control frame":            masked(0xc9, packed),
		"a compressed control frame in between": append(masked(opDeflatedBegin, packed[:3]), masked(0xc9, packed)...),
		"compressed in plain":                   append(masked(0x01, "{"), masked(opDeflated, packed)...),
		"plain in compressed":                   append(masked(opDeflatedBegin, packed[:3]), masked(opText, ping)...),
		"compressed in compressed":              append(masked(opDeflatedBegin, packed[:3]), masked(opDeflated, packed)...),
		"a length of 2^63":                      append(endless, 1, 2, 3, 4),
	} {
		t.Run(name, func(t *testing.T) {
			c := n.rawCompressed()
			c.t = t
			c.write(bytes)
			c.expect(opText, "closing")
			c.closed(4400)
		})
	}
}

// What inflates to more than a frame may hold is refused at that, and nothing more
// of it is inflated.
func TestDecompressionBombs(t *testing.T) {
	n := start(t, compression)
	const limit = maxFrame
	bomb := deflate(t, strings.Repeat(" ", 50<<20))
	if len(bomb) > limit {
		t.Fatalf("it is of %d bytes", len(bomb))
	}
	half := len(bomb) / 2
	endless := binary.BigEndian.AppendUint64([]byte{opContinuation, 0x80 | 127}, 1<<63-1)
	for name, bytes := range map[string][]byte{
		"whole":               masked(opDeflated, bomb),
		"in fragments":        append(append(masked(opDeflatedBegin, bomb[:half]), masked(opContinuation, "")...), masked(opContinuationLast, bomb[half:])...),
		"endless":             append(masked(opDeflatedBegin, "x"), append(endless, 1, 2, 3, 4)...),
		"a byte too many":     masked(opDeflated, deflate(t, padded(limit+1))),
		"long without sense":  masked(opDeflated, strings.Repeat("\x00\x00\x00\xff\xff", limit/4)),
		"only the beginning":  masked(opDeflated, strings.Repeat("x", 2*limit))[:100],
		"the same, fragments": append(masked(opDeflatedBegin, strings.Repeat("\x00\x00\x00\xff\xff", limit/5)), masked(opContinuation, strings.Repeat("x", limit))[:100]...),
	} {
		t.Run(name, func(t *testing.T) {
			c := n.rawCompressed()
			c.t = t
			c.write(bytes)
			if got := c.expect(opText, "closing"); !strings.Contains(string(got), `"code":1009,"reason":"frame too big","reconnect":false`) {
				t.Errorf("%s", got)
			}
			_ = c.conn.Close()
		})
	}
	// One after the other, while the server waits for the client's close frame.
	c := n.rawCompressed()
	before := allocated()
	inflated := n.counted("pushgate_inflated_frames_total", "")
	for range 100 {
		c.write(masked(opDeflated, bomb))
	}
	c.write(masked(opClose, "\x03\xe8"))
	c.expect(opText, "closing")
	c.closed(1009)
	if got := n.counted("pushgate_inflated_frames_total", "") - inflated; got != 1 {
		t.Errorf("%v were inflated", got)
	}
	if grown := allocated() - before; grown > 100*uint64(len(bomb))+32<<20 {
		t.Errorf("%d bytes were allocated", grown)
	}
}

func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

// Compressed frames that stand for little count with what they were on the wire.
func TestPaddedFramesCountWithTheirLength(t *testing.T) {
	n := start(t, compression, func(s *setup) { s.ClientBytes, s.ClientPatience = 50_000, time.Nanosecond })
	c := n.rawCompressed()
	blown := masked(opDeflated, strings.Repeat("\x00\x00\x00\xff\xff", 8000)+deflate(t, ping))
	go func() {
		for {
			if _, err := c.conn.Write(blown); err != nil {
				return
			}
		}
	}()
	for {
		op, payload, err := c.read()
		if err != nil {
			t.Fatal(err)
		}
		if op == opText && strings.Contains(string(payload), `"code":4429`) {
			break
		}
	}
	_ = c.conn.Close()
}
