//go:build linux

package benchtest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pb "pushgate/proto/gen/pushgate/v1"
)

// crowd is many clients that read.
type crowd struct {
	clients []*client
	reading sync.WaitGroup
	left    atomic.Int64 // who has not seen the end
	failure atomic.Pointer[error]
}

// dialers is how many connect at the same time.
const dialers = 16

// gather connects clients, each by its own query, and waits until they are
// subscribed.
func gather(tb testing.TB, n *node, size int, query func(i int) string) *crowd {
	tb.Helper()
	c := &crowd{clients: make([]*client, size)}
	var next atomic.Int64
	var group sync.WaitGroup
	var failed atomic.Pointer[error]
	for range dialers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < size && failed.Load() == nil; i = int(next.Add(1)) - 1 {
				client, err := dial(n, query(i))
				if err == nil {
					c.clients[i] = client
					err = client.skip(2) // connected, subscribed
				}
				if err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	group.Wait()
	tb.Cleanup(c.close)
	if err := failed.Load(); err != nil {
		tb.Fatal(*err)
	}
	return c
}

func (c *crowd) close() {
	for _, client := range c.clients {
		if client != nil {
			_ = client.Close()
		}
	}
	c.reading.Wait()
}

// read has everybody read until the end. Every so-manieth is looked at closely.
func (c *crowd) read(every int) {
	c.left.Store(int64(len(c.clients)))
	for i, client := range c.clients {
		if i%every == 0 {
			client.sampled = &sample{newest: make(map[string]int)}
		}
		c.reading.Go(func() {
			for {
				if err := client.read(); err != nil {
					if !errors.Is(err, errEnd) {
						err = fmt.Errorf("client %d: %w", i, err)
						c.failure.Store(&err)
					}
					c.left.Add(-1)
					return
				}
			}
		})
	}
}

// finish tells everybody that nothing more comes, and waits until they know. The
// farewell is a message like all others, and is repeated for those who could not
// take it.
func (c *crowd) finish(tb testing.TB, n *node, channels []string) {
	tb.Helper()
	for deadline := time.Now().Add(patience); c.left.Load() > 0; {
		for _, channel := range channels {
			if _, err := n.client.Publish(tb.Context(), &pb.PublishRequest{Channel: channel, Data: farewell, Ephemeral: true}); err != nil {
				tb.Fatal(err)
			}
		}
		for wait := time.Now().Add(time.Second); c.left.Load() > 0 && time.Now().Before(wait); {
			time.Sleep(time.Millisecond)
		}
		if time.Now().After(deadline) {
			tb.Fatalf("%d clients did not see the end", c.left.Load())
		}
	}
	if err := c.failure.Load(); err != nil {
		tb.Fatal(*err)
	}
}

// patience is how long the end of a measurement may take.
const patience = time.Minute

// received is what all have got. It fails when an order was not kept.
func (c *crowd) received(tb testing.TB) (messages, gaps int) {
	tb.Helper()
	for i, client := range c.clients {
		messages, gaps = messages+client.messages, gaps+client.gaps
		if s := client.sampled; s != nil && s.disorder != nil {
			tb.Errorf("client %d: %v", i, s.disorder)
		}
	}
	return messages, gaps
}

// latencies are the median and the 99th percentile of those who were looked at, in
// milliseconds.
func (c *crowd) latencies() (middle, tail float64) {
	var all []float64
	for _, client := range c.clients {
		if client.sampled != nil {
			all = append(all, client.sampled.latencies...)
		}
	}
	slices.Sort(all)
	return all[len(all)/2], all[len(all)*99/100]
}
