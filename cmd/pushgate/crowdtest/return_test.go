package crowdtest

import (
	"fmt"
	"sync/atomic"
	"testing"

	"pushgate/cmd/pushgate/pushgatetest"
)

// A whole crowd comes back at once after the node was killed: all get in, and
// each gets what it missed, once and in order.
func TestCrowdComesBackAtOnce(t *testing.T) {
	stores(t, func(t *testing.T, args []string) {
		const missed = 5
		s := pushgatetest.Start(t, pushgatetest.Command{Args: args})
		members := make([]*member, size())
		query := func(i int) string { return fmt.Sprintf("subscriber=s%d&channel=news", i) }
		together(t, len(members), 100, func(i int) (err error) {
			if members[i], _, err = joinPatiently(s.HTTP, query(i), i, 0); err != nil {
				return err
			}
			return members[i].greeted("connected", "subscribed")
		})
		publish(t, s, "news", 1, []byte(`1`))
		together(t, len(members), len(members), func(i int) error { return members[i].messages(1, 1) })
		s.Kill()
		for _, m := range members {
			_ = m.conn.Close()
		}
		s.Restart()
		publish(t, s, "news", missed, []byte(`2`))
		var refusals atomic.Int64
		together(t, len(members), len(members), func(i int) (err error) {
			var refused int
			members[i], refused, err = joinPatiently(s.HTTP, fmt.Sprintf("subscriber=s%d", i), i, 0)
			refusals.Add(int64(refused))
			if err != nil {
				return err
			}
			if err := members[i].greeted("connected"); err != nil {
				return err
			}
			// Nothing was acked: the first comes again.
			return members[i].messages(1, 1+missed)
		})
		t.Logf("%d clients came back; %d times one was told to wait", len(members), refusals.Load())
		if open := s.Metric("pushgate_connections"); int(open) != len(members) {
			t.Errorf("%v are connected", open)
		}
		for _, m := range members {
			_ = m.conn.Close()
		}
		s.WaitMetric("pushgate_connections", func(v float64) bool { return v == 0 })
		if code := s.Stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}
