package crowdtest

import (
	"bytes"
	"fmt"
	"testing"

	"pushgate/cmd/pushgate/pushgatetest"
)

// One in a hundred stops reading while a channel goes on. The others lose
// nothing, memory stays within its bounds, and those that had stopped get
// everything when they read again.
func TestOneInAHundredStopsReading(t *testing.T) {
	const (
		messages = 80
		round    = 10 // an outbox holds as many: who reads loses nothing, however slow the machine
		payload  = 4 << 10
		rings    = 16 << 20
		queued   = 64 << 20
		each     = 32 << 10 // what a connection is reckoned to take
		own      = 96 << 20
	)
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{
		fmt.Sprint("--ring-total-bytes=", rings), fmt.Sprint("--limits-outbox-total-bytes=", queued), "--limits-outbox-bytes=64KiB",
		"--heartbeat-timeout=5m", // a crowd of two thousand per core is slow to answer
	}})
	members := make([]*member, size())
	stalled := func(i int) bool { return i%100 == 0 }
	together(t, len(members), 100, func(i int) (err error) {
		buffer := 0
		if stalled(i) {
			buffer = 4 << 10
		}
		// One half is durable, and so are all that stop.
		query := "channel=busy"
		if i%2 == 0 {
			query += fmt.Sprintf("&subscriber=s%d", i)
		}
		if members[i], _, err = joinPatiently(s.HTTP, query, i, buffer); err != nil {
			return err
		}
		return members[i].greeted("connected", "subscribed")
	})
	data := fmt.Appendf(nil, "%q", bytes.Repeat([]byte("x"), payload))
	for first := uint64(1); first < messages; first += round {
		publish(t, s, "busy", round, data)
		together(t, len(members), len(members), func(i int) error {
			if stalled(i) {
				return nil
			}
			return members[i].messages(first, first+round-1)
		})
	}
	if lost := s.Metric(`pushgate_gaps_total{reason="slow"}`); lost != 0 {
		t.Errorf("%v were told of gaps", lost)
	}
	if held := s.Metric("pushgate_outbox_bytes"); held > queued {
		t.Errorf("%v bytes are queued", held)
	}
	if bound := own + rings + queued + each*len(members); !pushgatetest.Raced() && s.Memory() > bound {
		t.Errorf("%d MiB are resident; the bound is %d MiB", s.Memory()>>20, bound>>20)
	}
	t.Logf("%d MiB were resident", s.Memory()>>20)
	together(t, len(members), len(members), func(i int) (err error) {
		if !stalled(i) {
			return nil
		}
		if err := members[i].hurry(); err != nil {
			return err
		}
		if members[i].messages(1, messages) == nil {
			return nil
		}
		// It had taken nothing for ten seconds, and was told to come back.
		_ = members[i].conn.Close()
		if members[i], _, err = joinPatiently(s.HTTP, fmt.Sprintf("subscriber=s%d", i), i, 0); err != nil {
			return err
		}
		if err := members[i].greeted("connected"); err != nil {
			return err
		}
		return members[i].messages(1, messages)
	})
	for _, m := range members {
		_ = m.conn.Close()
	}
}
