package consumer

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// join is a member of the group until other topics are to be read, or ctx ends.
func (c *Consumer) join(ctx context.Context, t *topics) {
	timing := c.cfg.timing
	connections := &connections{dial: c.dialer.Net, open: map[net.Conn]bool{}}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID:      c.cfg.GroupID,
		Brokers: c.cfg.Brokers,
		Topics:  t.names(),
		Dialer: &kafka.Dialer{
			ClientID: c.cfg.ClientID, SASLMechanism: c.dialer.SASL, Timeout: timing.request, DialFunc: connections.Dial,
		},
		GroupBalancers:    []kafka.GroupBalancer{evenBalancer{}},
		HeartbeatInterval: min(c.cfg.SessionTimeout/4, 3*time.Second),
		SessionTimeout:    c.cfg.SessionTimeout,
		RebalanceTimeout:  timing.rebalance,
		JoinGroupBackoff:  timing.rejoin,
		Timeout:           timing.request,
		StartOffset:       kafka.FirstOffset, // says only that nothing is committed: see start.go
		ErrorLogger:       c.logErrors(),
	})
	if err != nil {
		c.logger.Error("the consumer group cannot be used", "error", err) // impossible: Validate
		return
	}
	closed := make(chan struct{})
	ended := context.AfterFunc(ctx, func() { leave(group, closed) })
	defer func() {
		if ended() {
			go leave(group, closed)
		}
		// Between two generations it may be waiting for other members.
		select {
		case <-closed:
		case <-time.After(timing.request / 5):
			connections.abort()
			<-closed
		}
	}()
	for ctx.Err() == nil {
		t = c.generations(ctx, group, t)
		if t == nil {
			return
		}
	}
}

func leave(group *kafka.ConsumerGroup, closed chan<- struct{}) {
	_ = group.Close()
	close(closed)
}

// generations takes part in the next generation, and answers the topics to go
// on with; nil when they are others than the group was joined for.
func (c *Consumer) generations(ctx context.Context, group *kafka.ConsumerGroup, t *topics) *topics {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.valid, cancel)()
	gen, err := group.Next(waiting)
	switch {
	case ctx.Err() != nil:
		return nil
	case err == nil:
		c.troubles.set("joining the group", nil)
		done := make(chan struct{})
		gen.Start(func(ctx context.Context) {
			defer close(done)
			c.generation(ctx, gen, t)
		})
		<-done
	case waiting.Err() == nil && !errors.Is(err, kafka.RebalanceInProgress):
		c.metrics.failures.WithLabelValues("group").Inc()
		c.troubles.set("joining the group", err)
	}
	current := c.catalog.now()
	if !current.sameNames(t) {
		return nil
	}
	return current
}

// connections are those of the group, so that a request which the broker holds
// back can be ended.
type connections struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	mu   sync.Mutex
	open map[net.Conn]bool
}

// Dial opens one.
func (c *connections) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	tracked := &tracked{Conn: conn, of: c}
	c.open[tracked] = true
	return tracked, nil
}

// abort closes all that are open now; later ones are left alone.
func (c *connections) abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		_ = conn.(*tracked).Conn.Close()
	}
}

// tracked is a connection that takes itself off the list.
type tracked struct {
	net.Conn
	of *connections
}

// Close closes the connection.
func (t *tracked) Close() error {
	t.of.mu.Lock()
	delete(t.of.open, t)
	t.of.mu.Unlock()
	return t.Conn.Close()
}
