package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// status is what `systemctl status` shows.
func (n *node) status() string {
	return fmt.Sprintf("serving HTTP on %s, gRPC on %s", n.httpListener.Addr(), n.grpcListener.Addr())
}

// reportLife tells the service manager, as often as it wants to hear it, that the
// process lives, until stop is called. It takes the figures of all sessions first:
// where that hangs, the node does.
func (n *node) reportLife() (stop func()) {
	if n.manager.Watchdog == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(n.manager.Watchdog / 2)
		defer tick.Stop()
		for {
			n.engine.Stats()
			n.manager.Alive()
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}
