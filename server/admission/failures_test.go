package admission_test

import (
	"net/netip"
	"testing"
	"time"

	"pushgate/server/admission"
)

func TestFailures(t *testing.T) {
	now := time.Unix(1000, 0)
	bad, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	f := admission.NewFailures(3)
	for i := range 3 {
		if wait := f.Wait(bad, now); wait != 0 {
			t.Fatalf("after %d: %v", i, wait)
		}
		f.Failed(bad, now)
	}
	if wait := f.Wait(bad, now); wait != 0 {
		t.Errorf("the last of the free ones: %v", wait)
	}
	f.Failed(bad, now)
	if wait := f.Wait(bad, now); wait != time.Second {
		t.Errorf("too many: %v", wait)
	}
	if wait := f.Wait(other, now); wait != 0 {
		t.Errorf("another: %v", wait)
	}
	if wait := f.Wait(bad, now.Add(time.Second)); wait != 0 {
		t.Errorf("a second later: %v", wait)
	}
	f.Failed(bad, now.Add(time.Hour))
	if wait := f.Wait(bad, now.Add(time.Hour)); wait != 0 {
		t.Errorf("an hour later: %v", wait)
	}
}

func TestFailuresOfNetworks(t *testing.T) {
	now := time.Unix(1000, 0)
	f := admission.NewFailures(1)
	for _, one := range []string{"2001:db8::1", "2001:db8::2", "2001:db8::3"} {
		f.Failed(netip.MustParseAddr(one), now)
	}
	if wait := f.Wait(netip.MustParseAddr("2001:db8::4"), now); wait != 2*time.Second {
		t.Errorf("the same /64: %v", wait)
	}
	for _, one := range []string{"127.0.0.1", "::1", "::ffff:127.0.0.1"} {
		for range 5 {
			f.Failed(netip.MustParseAddr(one), now)
		}
		if wait := f.Wait(netip.MustParseAddr(one), now); wait != 0 {
			t.Errorf("%s: %v", one, wait)
		}
	}
	f.Failed(netip.Addr{}, now)
	var none *admission.Failures
	none.Failed(netip.MustParseAddr("192.0.2.1"), now)
	if none.Wait(netip.MustParseAddr("192.0.2.1"), now) != 0 {
		t.Error("nobody is slowed down by nothing")
	}
}

func TestManyFailingAddresses(t *testing.T) {
	now := time.Unix(1000, 0)
	f := admission.NewFailures(1)
	last := netip.MustParseAddr("10.0.0.0")
	for range 200_000 {
		last = last.Next()
		f.Failed(last, now)
	}
	for range 3 {
		f.Failed(last, now)
	}
	if f.Wait(last, now) == 0 {
		t.Error("the last is not remembered")
	}
	remembered, first := 0, netip.MustParseAddr("10.0.0.0")
	for range 200_000 {
		first = first.Next()
		f.Failed(first, now)
		if f.Wait(first, now) > 0 {
			remembered++
		}
	}
	if remembered > 65_536 {
		t.Errorf("%d were remembered", remembered)
	}
}
