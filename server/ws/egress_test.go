package ws_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// What goes out is paced, for each connection and for all, and nothing is lost.
func TestEgressIsPaced(t *testing.T) {
	const messages, size, rate = 100, 4 << 10, 32 << 10
	for name, c := range map[string]struct {
		limit   setting
		clients int
	}{
		"of each": {func(s *setup) { s.options.EgressBytes = rate }, 3},
		"of all":  {func(s *setup) { s.options.EgressTotalBytes = 3 * rate }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newPipes()
				n := start(t, c.limit, func(s *setup) {
					s.listener = l
					s.SweepInterval, s.RetentionInterval = time.Hour, time.Hour
				})
				began, done := time.Now(), make(chan time.Duration, c.clients)
				for range c.clients {
					client := rawOver(t, l.dial(), "subscriber=ada&channel=a")
					client.expect(opText, "connected")
					client.expect(opText, "subscribed")
					go func() {
						for seq := range uint64(messages) {
							if e := client.event(); e.Seq != seq+1 {
								t.Errorf("got %+v, want seq %d", e, seq+1)
								break
							}
						}
						done <- time.Since(began)
					}()
				}
				for range messages {
					n.publish("a", payload)
				}
				// A second's worth goes out at once.
				least := time.Duration(messages*size-rate) * time.Second / rate
				for range c.clients {
					if took := <-done; took < least || took > least*5/4 {
						t.Errorf("took %s, not about %s", took, least)
					}
				}
			})
		})
	}
}
