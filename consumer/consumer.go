package consumer

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"sync"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"pushgate/consumer/broker"
)

// Consumer reads the topics of its sources as a member of a group, between Start
// and Stop.
type Consumer struct {
	cfg       Config
	publisher Publisher
	sources   []*source
	dialer    *broker.Dialer
	logger    *slog.Logger
	metrics   *metrics

	catalog     *catalog
	deadLetters *deadLetters
	assigned    assigned
	troubles    troubles

	mu      sync.Mutex
	cancel  context.CancelFunc
	stopped bool
	running sync.WaitGroup
}

// source is a Source that can be used.
type source struct {
	Source
	mapper  *mapper
	pattern *regexp.Regexp // nil if the topics are named
}

// New makes a Consumer; it connects to nothing yet. The error of a setting that
// cannot be is a *KeyError.
func New(publisher Publisher, cfg Config) (*Consumer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	mechanism, err := cfg.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	c := &Consumer{
		cfg: cfg, publisher: publisher, logger: cfg.Logger, metrics: newMetrics(cfg.Registry),
		dialer: &broker.Dialer{
			Brokers: cfg.Brokers, ClientID: cfg.ClientID, TLS: cfg.TLS, SASL: mechanism, Timeout: cfg.timing.request,
		},
	}
	for _, s := range cfg.Sources {
		used := &source{Source: s}
		var bad *KeyError
		if used.mapper, bad = newMapper(s.Mapping); bad != nil {
			return nil, bad
		}
		if s.Pattern != "" {
			if used.pattern, err = s.regexp(); err != nil {
				return nil, err
			}
		}
		c.sources = append(c.sources, used)
	}
	c.catalog = newCatalog(c)
	c.deadLetters = newDeadLetters(c.dialer, cfg.timing)
	cfg.Registry.MustRegister(partitionCollector{assigned: &c.assigned, after: cfg.timing.stuck})
	return c, nil
}

func (s SASL) mechanism() (sasl.Mechanism, error) {
	switch s.Mechanism {
	case "":
		return nil, nil
	case Plain:
		return plain.Mechanism{Username: s.Username, Password: s.Password}, nil
	}
	algorithm := scram.SHA256
	if s.Mechanism == SCRAM512 {
		algorithm = scram.SHA512
	}
	m, err := scram.Mechanism(algorithm, s.Username, s.Password)
	if err != nil {
		return nil, fmt.Errorf("sasl: %w", err)
	}
	return m, nil
}

// Start begins to read. A broker that cannot be reached is tried again for ever.
func (c *Consumer) Start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped || c.cancel != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	for _, loop := range []func(context.Context){c.catalog.run, c.measure, c.consume} {
		c.running.Go(func() { loop(ctx) })
	}
}

// Stop lets every worker finish the batch that it is storing, commits, leaves
// the group, and waits for all goroutines. Twice is safe.
func (c *Consumer) Stop() {
	c.mu.Lock()
	c.stopped = true
	cancel := c.cancel
	c.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	c.running.Wait()
	c.deadLetters.close()
}

// consume is a member of the group for as long as there are topics.
func (c *Consumer) consume(ctx context.Context) {
	for ctx.Err() == nil {
		t := c.catalog.now()
		if len(t.sources) > 0 {
			c.join(ctx, t)
			continue
		}
		select {
		case <-t.valid.Done():
		case <-ctx.Done():
		}
	}
}

// logErrors is kafka-go's way to say what it does by itself.
func (c *Consumer) logErrors() kafka.Logger {
	return kafka.LoggerFunc(func(format string, args ...any) {
		c.logger.Debug("kafka-go: " + fmt.Sprintf(format, args...))
	})
}
