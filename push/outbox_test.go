package push

import (
	"testing"

	"pushgate/push/wire"
)

func TestOutboxKeepsOrderAndCountsBytes(t *testing.T) {
	var o outbox
	frames := make([]*wire.Frame, 100)
	for i := range frames {
		frames[i] = &wire.Frame{Bytes: make([]byte, i)}
	}
	next, bytes := 0, 0
	for i, f := range frames {
		o.push(f)
		bytes += i
		if i%3 == 2 {
			if got := o.pop(); got != frames[next] {
				t.Fatalf("popped out of order at %d", next)
			}
			bytes -= next
			next++
		}
		if o.bytes != bytes || o.length() != i+1-next {
			t.Fatalf("%d frames of %d bytes, want %d of %d", o.length(), o.bytes, i+1-next, bytes)
		}
	}
	for !o.empty() {
		if got := o.pop(); got != frames[next] {
			t.Fatalf("popped out of order at %d", next)
		}
		next++
	}
	if next != len(frames) || o.bytes != 0 {
		t.Fatalf("%d frames came out; %d bytes are left", next, o.bytes)
	}
}

// An outbox that is never quite empty must not grow with what passes through it.
func TestOutboxStaysSmallWhileNeverEmpty(t *testing.T) {
	var o outbox
	f := &wire.Frame{Bytes: []byte("x")}
	for range 10 {
		o.push(f)
	}
	for range 100_000 {
		o.push(f)
		o.pop()
	}
	if o.length() != 10 || cap(o.frames) > 4*keepFrames {
		t.Fatalf("%d frames in a slice of %d", o.length(), cap(o.frames))
	}
}
