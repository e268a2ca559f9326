package ws_test

import (
	"context"
	"sync/atomic"
	"testing"

	"pushgate/push"
	"pushgate/store"
)

// gatedLog is a store whose appends wait at a gate after their commit, as if the
// answer of the database were slow.
type gatedLog struct {
	push.Store
	closed    atomic.Bool
	committed chan struct{} // an append that has to wait
	open      chan struct{} // lets one go on
}

func newGatedLog(s push.Store) *gatedLog {
	return &gatedLog{Store: s, committed: make(chan struct{}), open: make(chan struct{})}
}

func (g *gatedLog) Append(ctx context.Context, batch store.Batch) ([]store.Appended, error) {
	results, err := g.Store.Append(ctx, batch)
	if g.closed.Load() {
		g.committed <- struct{}{}
		<-g.open
	}
	return results, err
}

// A subscription that the store places behind a commit whose dispatch is still
// under way must not get that commit's messages.
func TestSubscribeBetweenCommitAndDispatch(t *testing.T) {
	s, _ := openSQLite(t, t.TempDir()+"/pushgate.db")
	gate := newGatedLog(s)
	n := startOn(t, gate)
	other := n.dial("channel=a")
	other.expect("connected", nil)
	other.expect("subscribed", nil)
	n.publish("a", `1`)
	other.messages("a", 1, 1)

	gate.closed.Store(true)
	published := make(chan error, 1)
	go func() {
		_, err := n.engine.Publish(t.Context(), push.Publication{Channel: "a", Data: []byte(`2`)})
		published <- err
	}()
	<-gate.committed
	c := n.dial("subscriber=ada")
	c.expect("connected", nil)
	c.subscribe(frame{"channel": "a"})
	gate.closed.Store(false)
	gate.open <- struct{}{}
	if err := <-published; err != nil {
		t.Fatal(err)
	}
	n.publish("a", `3`)
	other.messages("a", 2, 3)
	c.messages("a", 3, 3)
}
