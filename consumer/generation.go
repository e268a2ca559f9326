package consumer

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"pushgate/consumer/broker"
)

// generation reads the partitions that this member was given until they are
// taken away, or ctx ends. It returns when all its workers have, and the last
// offsets are committed.
func (c *Consumer) generation(revoked context.Context, gen *kafka.Generation, t *topics) {
	if revoked.Err() != nil {
		return // kafka-go would not wait for this one
	}
	ctx, cancel := context.WithCancel(revoked)
	defer cancel()
	c.metrics.rebalances.Inc()

	workers := c.workers(gen, t)
	states := make([]*progress, len(workers))
	for i, w := range workers {
		states[i] = w.progress
	}
	c.assigned.set(states)
	defer c.assigned.set(nil)
	c.logger.Info("a generation of the consumer group begins", "generation", gen.ID, "partitions", len(workers))

	var running sync.WaitGroup
	for _, w := range workers {
		running.Go(func() { w.run(ctx) })
	}
	offsets := committer{generation: gen, states: states, done: map[*progress]int64{}}
	tick := time.NewTicker(c.cfg.timing.commit)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-tick.C:
			c.committed(offsets.commit())
		case <-t.valid.Done():
			cancel()
		case <-ctx.Done():
		}
	}
	running.Wait()
	c.committed(offsets.commit())
}

func (c *Consumer) committed(err error) {
	if err != nil {
		// Nothing is lost by it: what counts is the position in the store.
		c.metrics.failures.WithLabelValues("commit").Inc()
		c.logger.Debug("committing offsets", "error", err)
	}
}

// workers are one for each assigned partition.
func (c *Consumer) workers(gen *kafka.Generation, t *topics) []*worker {
	total := 0
	for _, partitions := range gen.Assignments {
		total += len(partitions)
	}
	var workers []*worker
	for topic, partitions := range gen.Assignments {
		for _, p := range partitions {
			named := broker.Partition{Topic: topic, ID: p.ID}
			s := t.sources[topic]
			w := &worker{
				Consumer: c, source: s, committed: p.Offset, share: c.cfg.Memory / total,
				progress: newProgress(named, s.Name),
				logger:   c.logger.With("source", s.Name, "topic", topic, "partition", p.ID),
				backoff:  backoff{first: c.cfg.timing.retry, most: c.cfg.timing.retryMost},
			}
			workers = append(workers, w)
		}
	}
	return workers
}

// committer tells Kafka the stored positions, for people and their tools.
type committer struct {
	generation *kafka.Generation
	states     []*progress
	done       map[*progress]int64
}

// commit commits what has moved.
func (c *committer) commit() error {
	moved, offsets := map[*progress]int64{}, map[string]map[int]int64{}
	for _, p := range c.states {
		next := p.next()
		if before, ok := c.done[p]; next == unknown || ok && before == next {
			continue
		}
		moved[p] = next
		if offsets[p.Topic] == nil {
			offsets[p.Topic] = map[int]int64{}
		}
		offsets[p.Topic][p.ID] = next
	}
	if len(moved) == 0 {
		return nil
	}
	if err := c.generation.CommitOffsets(offsets); err != nil {
		return err
	}
	maps.Copy(c.done, moved)
	return nil
}
