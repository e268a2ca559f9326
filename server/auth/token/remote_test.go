package token

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

type broken struct{ asked int }

func (b *broken) RoundTrip(*http.Request) (*http.Response, error) {
	b.asked++
	return nil, errors.New("down")
}

// A server that is down is asked less and less often, and not more often for unknown keys
// than they may cause.
func TestServersThatAreDownAreLeftAlone(t *testing.T) {
	for name, test := range map[string]struct {
		unknown     bool
		least, most int
	}{
		"by itself":         {false, 12, 16}, // after 1 to 1.5, 2 to 3, … s, and then every 60 to 90
		"with unknown keys": {true, 50, 66},  // and every 10 s
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, err := newRemote("https://keys.example/", Config{Refresh: time.Hour, Logger: slog.New(slog.DiscardHandler)}, newMetrics(nil))
				if err != nil {
					t.Fatal(err)
				}
				server := &broken{}
				r.client.Transport = server
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				go r.run(ctx)
				for tick := time.NewTicker(time.Second); ctx.Err() == nil; {
					select {
					case <-tick.C:
						if test.unknown {
							r.renew(ctx)
						}
					case <-ctx.Done():
					}
				}
				synctest.Wait()
				if server.asked < test.least || server.asked > test.most {
					t.Errorf("it was asked %d times in ten minutes", server.asked)
				}
			})
		})
	}
}
