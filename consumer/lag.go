package consumer

import (
	"context"
	"errors"
	"time"

	"pushgate/consumer/broker"
)

// measure asks for the ends of the assigned partitions' logs from time to time:
// a partition that is stuck cannot tell its lag itself.
func (c *Consumer) measure(ctx context.Context) {
	conns := map[string]*broker.Conn{}
	defer func() {
		for _, conn := range conns {
			conn.Close()
		}
	}()
	tick := time.NewTicker(c.cfg.timing.lag)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := c.measureOnce(ctx, conns); err != nil && ctx.Err() == nil {
			c.metrics.failures.WithLabelValues("lag").Inc()
			c.logger.Debug("measuring the lag", "error", err)
		}
	}
}

func (c *Consumer) measureOnce(ctx context.Context, conns map[string]*broker.Conn) error {
	t, of := c.catalog.now(), map[broker.Partition]*progress{}
	led := map[string][]broker.Partition{}
	var failures []error
	for _, p := range c.assigned.all() {
		address, err := t.cluster.Leader(p.Topic, p.ID)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		of[p.Partition] = p
		led[address] = append(led[address], p.Partition)
	}
	for address, conn := range conns {
		if len(led[address]) == 0 {
			conn.Close()
			delete(conns, address)
		}
	}
	for address, partitions := range led {
		if conns[address] == nil {
			conn, err := c.dialer.Dial(ctx, address)
			if err != nil {
				failures = append(failures, err)
				continue
			}
			conns[address] = conn
		}
		ends, err := conns[address].End(ctx, partitions...)
		if err != nil {
			conns[address].Close()
			delete(conns, address)
			failures = append(failures, err)
		}
		for partition, end := range ends {
			of[partition].measured(end)
		}
	}
	return errors.Join(failures...)
}
