package crashtest

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/coder/websocket"
)

func TestTerminatedUnderLoadEndsInOrder(t *testing.T) {
	t.Parallel()
	chance := newChance(t)
	n := start(t, "--shutdown-drain", "500ms")
	l := newLedger(t)
	channels := []string{"news", "orders:1"}
	var receivers []*receiver
	for i := range 10 {
		name := fmt.Sprintf("subscriber%d", i)
		n.subscription(name, channels...)
		r := follow(t, n.socket, name, chance.generator())
		r.waitConnected(1)
		receivers = append(receivers, r)
	}
	crowd := crowd(t, l, n, chance, channels)
	for _, p := range crowd {
		// What is under way is answered by the server, not cut off.
		p.strict = true
	}
	finish := press(t, crowd...)
	for i := range 3 {
		l.waitPublished(500)
		if code := n.Stop(); code != 0 {
			t.Errorf("the exit code is %d", code)
		}
		n.Restart()
		for _, r := range receivers {
			r.waitConnected(i + 2)
		}
	}
	l.waitPublished(200)
	finish()
	t.Logf("%d messages, %d tries refused", l.published(), l.refusals)
	l.verifyStored(n)
	for _, r := range receivers {
		l.verifyReceived(r)
		r.noGaps()
		r.toldToComeBack(3)
	}
}

// toldToComeBack checks how the first connections ended.
func (r *receiver) toldToComeBack(times int) {
	r.t.Helper()
	r.lock.Lock()
	defer r.lock.Unlock()
	if len(r.endings) != times {
		r.t.Errorf("%s was closed %d times, want %d: %+v", r.name, len(r.endings), times, r.endings)
	}
	for _, e := range r.endings {
		c := e.closing
		if e.code != websocket.StatusGoingAway || string(c.Code) != "1001" || c.Reason != "draining" || !c.Reconnect || c.RetryAfter <= 0 {
			r.t.Errorf("%s: a connection ended with code %d after %+v", r.name, e.code, c)
		}
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	for _, signals := range [][2]syscall.Signal{{syscall.SIGTERM, syscall.SIGTERM}, {syscall.SIGTERM, syscall.SIGINT}, {syscall.SIGINT, syscall.SIGTERM}} {
		n := start(t, "--shutdown-drain", "1h", "--shutdown-timeout", "2h")
		clients := []*client{dial(t, n.socket), dial(t, n.socket)}
		for _, c := range clients {
			c.expect("connected")
		}
		n.Signal(signals[0])
		n.WaitStderr("stopping: ")
		n.waitRefusedUpgrade()
		n.Signal(signals[1])
		if code := n.Wait(); code == 0 {
			t.Errorf("%v: the exit code is 0", signals)
		}
	}
}

// waitRefusedUpgrade waits until the drain has begun.
func (n *node) waitRefusedUpgrade() {
	n.t.Helper()
	poll(n.t, "upgrades are refused", func() bool {
		c, err := connect(n.t.Context(), n.t, n.socket, nil)
		if err == nil {
			_ = c.socket.CloseNow()
			return false
		}
		refused, ok := err.(*errRefused)
		if !ok {
			n.t.Fatal(err)
		}
		if refused.status != 503 || refused.retryAfter == "" {
			n.t.Errorf("an upgrade is answered with %+v", refused)
		}
		return true
	})
}
