package push

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pushgate/push/wire"
	"pushgate/store"
)

func (e *Engine) mustRevoke(t *testing.T, r store.Revocation) store.Revocation {
	t.Helper()
	stored, _, err := e.Revoke(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// What this node has stored and what it reads may come in any order.
func TestAnOlderRevocationDoesNotReplaceANewerOne(t *testing.T) {
	e := startEngine(t, openStore(t))
	now := time.Now()
	first := e.mustRevoke(t, store.Revocation{Subscriber: "ada", IssuedBefore: now.Add(-time.Hour)})
	e.mustRevoke(t, store.Revocation{Subscriber: "ada", IssuedBefore: now})
	e.revocations.add([]store.Revocation{first})
	if !e.revocations.revoked(&Grant{Account: "ada", Issued: now.Add(-time.Minute)}) {
		t.Error("an older revocation has undone a newer one")
	}
}

func TestRevocationsAtOnce(t *testing.T) {
	e := startEngine(t, openStore(t))
	now := time.Now()
	var revoking sync.WaitGroup
	for i := range 20 {
		revoking.Go(func() {
			e.mustRevoke(t, store.Revocation{Subscriber: "ada", IssuedBefore: now.Add(-time.Duration(i) * time.Minute)})
		})
	}
	revoking.Wait()
	if !e.revocations.revoked(&Grant{Account: "ada", Issued: now.Add(-time.Second)}) {
		t.Error("the widest revocation does not hold")
	}
}

func TestFullOfRevocations(t *testing.T) {
	var ahead atomic.Int64
	e := startEngine(t, openStore(t), func(c *Config) {
		c.now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())).Truncate(time.Millisecond) }
	})
	e.revocations.most = 3
	soon := time.Now().Add(time.Hour)
	for i := range e.revocations.most {
		e.mustRevoke(t, store.Revocation{TokenID: fmt.Sprint(i), Expires: soon})
	}
	if _, _, err := e.Revoke(t.Context(), store.Revocation{Subscriber: "ada"}); err == nil || AsError(err).Code != wire.CodeResourceExhausted {
		t.Fatalf("one too many: %v", err)
	}
	// What the refusal says to do instead, and what needs no room.
	e.mustRevoke(t, store.Revocation{IssuedBefore: time.Now()})
	e.mustRevoke(t, store.Revocation{TokenID: "1", Expires: soon.Add(time.Hour)})
	// Those that have lapsed make room at once.
	ahead.Store(int64(time.Hour))
	e.mustRevoke(t, store.Revocation{Subscriber: "ada"})
}

func TestExpiredGrants(t *testing.T) {
	e := startEngine(t, openStore(t))
	over := Grant{Subscriber: "ada", Access: everything{}, Expires: time.Now()}
	if _, err := e.Connect(t.Context(), Connection{Authentication: &Authentication{Grant: &over}}); err == nil || AsError(err).Code != wire.CodeUnauthenticated {
		t.Errorf("connecting: %v", err)
	}
}

type everything struct{}

func (everything) May(Action, string) bool { return true }

func TestWhatIsRefusedIsNotTaken(t *testing.T) {
	var m Meter
	now := time.Now()
	for range 5 {
		if wait := m.Try(now, 1, 5); wait != 0 {
			t.Fatal(wait)
		}
	}
	for range 1000 {
		if wait := m.Try(now, 1, 5); wait <= 0 || wait > 200*time.Millisecond {
			t.Fatalf("one is there again in 200 ms, not %s", wait)
		}
	}
	if wait := m.Try(now.Add(200*time.Millisecond), 1, 5); wait != 0 {
		t.Error(wait)
	}
}
