package push

import (
	"testing"
	"time"

	"pushgate/push/wire"
)

const audience = 1000

// audienceOf connects watchers of channel "a" that are live and have nothing to drain.
func audienceOf(t testing.TB, e *Engine) []*peer {
	t.Helper()
	peers := make([]*peer, audience)
	for i := range peers {
		peers[i] = connect(t, e, Connection{Channels: []string{"a"}})
	}
	if _, err := e.Publish(t.Context(), Publication{Channel: "a", Data: []byte(`1`)}); err != nil {
		t.Fatal(err)
	}
	for _, p := range peers {
		p.messages(1, 1)
	}
	return peers
}

// One message is encoded once, and handing it to a live subscriber and on to its
// transport allocates nothing.
func TestFanOutAllocatesNothingPerSubscriber(t *testing.T) {
	e := startEngine(t, openStore(t))
	peers := audienceOf(t, e)
	c := e.hub.find("a")
	scratch := make([]byte, 0, 4096)
	seq := uint64(1)
	perMessage := testing.AllocsPerRun(100, func() {
		seq++
		m := (&Publication{Channel: "a", Data: []byte(`1`)}).stored(seq)
		c.deliver("", []fresh{m})
		for _, p := range peers {
			out, more, _ := p.session.Drain(scratch, cap(scratch), nil)
			if len(out) != len(m.frame.Bytes) || more {
				t.Fatalf("drained %d bytes, more: %v", len(out), more)
			}
		}
	})
	if perMessage > audience/50 {
		t.Errorf("%v allocations for a message to %d subscribers", perMessage, audience)
	}
}

func TestSubscribersShareAFrame(t *testing.T) {
	e := startEngine(t, openStore(t))
	peers := audienceOf(t, e)
	if _, err := e.Publish(t.Context(), Publication{Channel: "a", Data: []byte(`2`)}); err != nil {
		t.Fatal(err)
	}
	var shared *wire.Frame
	for _, p := range peers {
		<-p.woken
		frames, _, _ := p.session.DrainFrames(nil, 2)
		if shared == nil {
			shared = frames[0]
		}
		if len(frames) != 1 || frames[0] != shared {
			t.Fatalf("got %v, another got %p", frames, shared)
		}
	}
}

func BenchmarkFanOut(b *testing.B) {
	e := startEngine(b, openStore(b))
	peers := audienceOf(b, e)
	c := e.hub.find("a")
	scratch := make([]byte, 0, 4096)
	b.ReportAllocs()
	for seq := uint64(2); b.Loop(); seq++ {
		c.deliver("", []fresh{(&Publication{Channel: "a", Data: []byte(`1`)}).stored(seq)})
		for _, p := range peers {
			p.session.Drain(scratch, cap(scratch), nil)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/audience, "ns/delivery")
}

// stored is the publication on its way to the subscribers.
func (p *Publication) stored(seq uint64) fresh {
	m, err := p.message(1<<20, time.UnixMilli(1))
	if err != nil {
		panic(err)
	}
	m.Seq = seq
	return fresh{seq: seq, frame: encode(m), born: time.UnixMilli(1)}
}
