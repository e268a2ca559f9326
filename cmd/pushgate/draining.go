package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pushgate/cmd/pushgate/config"
)

// beginDrain takes the node out of its load balancers: it is not ready any more,
// and takes no new subscribers. A port that it shares is the other process's from
// here on. Twice is safe.
func (n *node) beginDrain() {
	n.drain.Do(func() {
		close(n.draining)
		for _, l := range n.shared {
			_ = l.Close()
		}
		n.web.BeginDrain()
		n.rpc.BeginDrain()
		n.manager.Stopping("draining")
	})
}

// Drain is part of rpc.Process.
func (n *node) Drain() (period time.Duration) {
	n.beginDrain()
	s := n.flags.Load().Shutdown
	return time.Duration(s.Delay + s.Drain)
}

func (n *node) isDraining() bool {
	select {
	case <-n.draining:
		return true
	default:
		return false
	}
}

func (n *node) watchDrain(registry prometheus.Registerer) {
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "pushgate_draining", Help: "1 from the beginning of an orderly end.",
	}, func() float64 {
		if n.isDraining() {
			return 1
		}
		return 0
	}))
}

// shutdown ends everything: readiness and health first, after the delay new
// calls, then what is under way, the engine, and the store last.
func (n *node) shutdown(s config.Shutdown) error {
	n.beginDrain()
	delay, drain := time.Duration(s.Delay), time.Duration(s.Drain)
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(s.Timeout))
	defer cancel()
	reported := make(chan struct{})
	var reporting sync.WaitGroup
	reporting.Go(func() { n.reportDrain(reported, delay+drain) })
	select {
	case <-time.After(delay):
	case <-ctx.Done():
	}
	var stopping sync.WaitGroup
	stopping.Go(func() { n.rpc.Stop(ctx, drain) })
	if n.consumer != nil {
		stopping.Go(n.consumer.Stop)
	}
	n.web.Drain(ctx, drain)
	stopping.Wait()
	close(reported)
	reporting.Wait()
	if ctx.Err() != nil {
		n.logger.Warn("shutdown.timeout is over; what is left is cut off", "timeout", s.Timeout, "connections", n.connections())
	}
	n.asked.close()
	n.web.Close()
	if n.verifier != nil {
		n.verifier.Stop()
	}
	n.engine.Stop()
	if n.admin != nil {
		n.admin.Close()
	}
	n.shown.close()
	n.door.pressure.Stop()
	n.unwatch()
	if err := n.database.Close(); err != nil {
		return fmt.Errorf("closing the store: %w", err)
	}
	n.logger.Info("stopped")
	return nil
}

// reportDrain logs what is left, about ten times in the period, until done is closed.
func (n *node) reportDrain(done <-chan struct{}, period time.Duration) {
	began := time.Now()
	tick := time.NewTicker(max(period/10, time.Second))
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			left := n.connections()
			n.logger.Info("draining", "connections", left, "for", now.Sub(began).Round(time.Second))
			n.manager.Status(fmt.Sprintf("draining: %d connections left", left))
		case <-done:
			return
		}
	}
}

// connections are all that are open, over WebSocket and gRPC.
func (n *node) connections() uint64 { return n.engine.Stats().Connections }
