package push

import (
	"testing"

	"pushgate/push/wire"
)

// While memory is short nothing new is opened, and what is open goes on.
func TestMemoryShort(t *testing.T) {
	e := startEngine(t, openStore(t))
	p := connect(t, e, Connection{Subscriber: "ada", Channels: []string{"a"}})
	p.session.DrainFrames(nil, 1<<20)
	subscribe := func(channel string) wire.Event {
		t.Helper()
		p.session.Handle(t.Context(), wire.Request{Type: wire.TypeSubscribe, ID: "1", Channel: channel}, 50)
		frames, _, _ := p.session.DrainFrames(nil, 1<<20)
		if len(frames) != 1 {
			t.Fatalf("%d frames", len(frames))
		}
		return frames[0].Event
	}
	e.MemoryShort(true)
	if refusal, ok := subscribe("b").(wire.Error); !ok || refusal.Code != wire.CodeResourceExhausted || refusal.RetryAfter <= 0 {
		t.Errorf("got %+v", refusal)
	}
	if again, ok := subscribe("a").(wire.Subscribed); !ok {
		t.Errorf("got %+v", again)
	}
	if _, err := e.Publish(t.Context(), Publication{Channel: "a", Data: []byte(`1`)}); err != nil {
		t.Fatal(err)
	}
	p.receives(1, 1)
	e.MemoryShort(false)
	if answer, ok := subscribe("b").(wire.Subscribed); !ok {
		t.Errorf("got %+v", answer)
	}
}
