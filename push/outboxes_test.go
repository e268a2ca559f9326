package push

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"pushgate/push/wire"
)

// receives drains a peer until it has so many messages, and fails at anything
// that is not the next one.
func (p *peer) receives(from, to uint64) {
	p.t.Helper()
	deadline := time.After(30 * time.Second)
	for next := from; next <= to; {
		frames, more, _ := p.session.DrainFrames(nil, 64<<10)
		for _, f := range frames {
			switch e := f.Event.(type) {
			case *wire.Message:
				if e.Seq != next {
					p.t.Fatalf("got seq %d, want %d", e.Seq, next)
				}
				next++
			case wire.Gap:
				p.t.Fatalf("got %+v", e)
			}
		}
		if more || next > to {
			continue
		}
		select {
		case <-p.woken:
		case <-deadline:
			p.t.Fatalf("seq %d does not come", next)
		}
	}
}

// However many do not read, all outboxes together stay within their bound; who
// reads gets through, and they get everything when they read again.
func TestOutboxesStayWithinTheirBound(t *testing.T) {
	const total, stalled, each = 2 << 20, 50, 100
	e := startEngine(t, openStore(t), func(c *Config) { c.OutboxTotalBytes, c.RingTotalBytes = total, 1 })
	var peers []*peer
	name := func(i int) string { return fmt.Sprintf("c%d", i) }
	for i := range stalled {
		peers = append(peers, connect(t, e, Connection{Subscriber: name(i), Channels: []string{name(i)}}))
	}
	quick := connect(t, e, Connection{Subscriber: "quick", Channels: []string{"quick"}})
	data := fmt.Appendf(nil, "%q", bytes.Repeat([]byte("x"), 4<<10))
	for n := range uint64(each) {
		for i := range stalled {
			if _, err := e.Publish(t.Context(), Publication{Channel: name(i), Data: data}); err != nil {
				t.Fatal(err)
			}
			if held := e.hub.outboxes.held.Load(); held > total {
				t.Fatalf("%d bytes are held, the bound is %d", held, total)
			}
		}
		if _, err := e.Publish(t.Context(), Publication{Channel: "quick", Data: data}); err != nil {
			t.Fatal(err)
		}
		quick.receives(n+1, n+1)
	}
	if held := e.hub.outboxes.held.Load(); held < total/2 {
		t.Fatalf("only %d bytes are held: the bound was not reached", held)
	}
	for _, p := range peers {
		p.receives(1, each)
	}
	if held := e.hub.outboxes.held.Load(); held != 0 {
		t.Errorf("%d bytes are held by nobody", held)
	}
}

// What many share counts once: a crowd that is slow for a moment is not told of
// gaps because of the bound over all.
func TestSharedFramesCountOnce(t *testing.T) {
	const total, crowd, each, size = 16 << 20, 500, 100, 8 << 10
	e := startEngine(t, openStore(t), func(c *Config) { c.OutboxTotalBytes = total })
	var peers []*peer
	for range crowd {
		peers = append(peers, connect(t, e, Connection{Channels: []string{"a"}}))
	}
	data := fmt.Appendf(nil, "%q", bytes.Repeat([]byte("x"), size))
	for range each {
		if _, err := e.Publish(t.Context(), Publication{Channel: "a", Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	for i, p := range peers {
		if i%2 == 0 {
			p.receives(1, each)
		} else {
			p.session.Detach(CauseLost)
		}
	}
	if held := e.hub.outboxes.held.Load(); held != 0 {
		t.Errorf("%d bytes are held by nobody", held)
	}
}

// What the transport could not write counts, and waiting for it ends.
func TestHeldBytesCount(t *testing.T) {
	const total = 64 << 10
	e := startEngine(t, openStore(t), func(c *Config) { c.OutboxTotalBytes = total })
	p := connect(t, e, Connection{Subscriber: "ada", Channels: []string{"a"}})
	p.session.Drain(nil, 1<<20, nil)
	p.session.Hold(total)
	for range 3 {
		if _, err := e.Publish(t.Context(), Publication{Channel: "a", Data: []byte(`1`)}); err != nil {
			t.Fatal(err)
		}
	}
	if v := p.session.view(); v.OutboxMessages != 0 || v.OutboxBytes != total {
		t.Errorf("%d messages, %d bytes", v.OutboxMessages, v.OutboxBytes)
	}
	p.receives(1, 3)
}
