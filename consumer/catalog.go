package consumer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"pushgate/consumer/broker"
)

// topics are those that the sources want and that exist.
type topics struct {
	cluster broker.Cluster
	sources map[string]*source // by the topic
	// valid ends when there are others.
	valid      context.Context
	invalidate context.CancelFunc
}

func (t *topics) names() []string { return slices.Sorted(maps.Keys(t.sources)) }

// sameNames says whether the group has to be joined for other topics.
func (t *topics) sameNames(other *topics) bool { return slices.Equal(t.names(), other.names()) }

// same says whether nothing that matters to a generation has changed.
func (t *topics) same(other *topics) bool {
	if !t.sameNames(other) {
		return false
	}
	for name := range t.sources {
		a, b := t.cluster.Topics[name], other.cluster.Topics[name]
		if a.ID != b.ID || len(a.Leaders) != len(b.Leaders) {
			return false
		}
	}
	return true
}

// catalog follows which topics there are. kafka-go could watch the partitions of
// topics with fixed names; but it does not see that a topic was replaced, knows
// no patterns, and creates topics by asking for them.
type catalog struct {
	dialer   *broker.Dialer
	sources  []*source
	patterns bool // there is one
	every    time.Duration
	metrics  *metrics
	troubles *troubles

	conn *broker.Conn // run's
	// gone are topics that the last look did not find; the next decides.
	gone map[string]bool

	mu      sync.Mutex
	current *topics
}

func newCatalog(c *Consumer) *catalog {
	t := &catalog{
		dialer: c.dialer, sources: c.sources, every: c.cfg.timing.metadata, metrics: c.metrics, troubles: &c.troubles,
		gone: map[string]bool{}, current: &topics{},
	}
	t.current.valid, t.current.invalidate = context.WithCancel(context.Background())
	for _, s := range c.sources {
		t.patterns = t.patterns || s.pattern != nil
	}
	return t
}

// now answers what is known; before the first look that is nothing.
func (t *catalog) now() *topics {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current
}

func (t *catalog) run(ctx context.Context) {
	tick := time.NewTicker(t.every)
	defer tick.Stop()
	defer t.disconnect()
	defer func() { t.now().invalidate() }()
	for {
		err := t.look(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			t.disconnect()
			t.metrics.failures.WithLabelValues("metadata").Inc()
		}
		t.troubles.set("looking for the topics", err)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (t *catalog) disconnect() {
	if t.conn != nil {
		t.conn.Close()
		t.conn = nil
	}
}

// look asks a broker once.
func (t *catalog) look(ctx context.Context) (err error) {
	if t.conn == nil {
		if t.conn, err = t.dialer.Any(ctx); err != nil {
			return err
		}
	}
	var names []string // all topics, if there is a pattern
	if !t.patterns {
		for _, s := range t.sources {
			names = append(names, s.Topics...)
			if s.DeadLetter != "" {
				names = append(names, s.DeadLetter)
			}
		}
	}
	cluster, err := t.conn.Metadata(ctx, names...)
	if err != nil {
		return err
	}
	found := &topics{cluster: cluster, sources: t.choose(cluster)}
	t.keepOnce(found)
	t.mu.Lock()
	if t.current.same(found) {
		found.valid, found.invalidate = t.current.valid, t.current.invalidate
	} else {
		t.current.invalidate()
		found.valid, found.invalidate = context.WithCancel(context.Background())
	}
	t.current = found
	t.mu.Unlock()
	t.troubles.set("reading topics", t.missing(cluster))
	return nil
}

// choose finds each topic's source.
func (t *catalog) choose(cluster broker.Cluster) map[string]*source {
	chosen, deadLetters := map[string]*source{}, map[string]bool{}
	for _, s := range t.sources {
		deadLetters[s.DeadLetter] = true
		for _, name := range s.Topics {
			if _, exists := cluster.Topics[name]; exists {
				chosen[name] = s
			}
		}
	}
	for _, s := range t.sources {
		for name, topic := range cluster.Topics {
			if _, taken := chosen[name]; taken || topic.Internal || deadLetters[name] || s.pattern == nil {
				continue
			}
			if s.pattern.MatchString(name) {
				chosen[name] = s
			}
		}
	}
	return chosen
}

// keepOnce keeps topics that were not found for one more look: a broker that
// has just started may not know them yet.
func (t *catalog) keepOnce(found *topics) {
	before, gone := t.now(), map[string]bool{}
	for name, s := range before.sources {
		if _, there := found.sources[name]; there {
			continue
		}
		gone[name] = true
		if !t.gone[name] {
			found.sources[name] = s
			found.cluster.Topics[name] = before.cluster.Topics[name]
		}
	}
	t.gone = gone
}

// missing says which topics were named and do not exist. Those for dead letters
// are told too: better now than when the first bad record comes.
func (t *catalog) missing(cluster broker.Cluster) error {
	var missing []string
	for _, s := range t.sources {
		for _, name := range s.Topics {
			if _, exists := cluster.Topics[name]; !exists || t.gone[name] {
				missing = append(missing, name)
			}
		}
		if _, exists := cluster.Topics[s.DeadLetter]; !exists && s.DeadLetter != "" {
			missing = append(missing, s.DeadLetter)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return fmt.Errorf("%w: %s", errNoTopic, strings.Join(slices.Compact(missing), ", ")) // sources may share one
}

var errNoTopic = errors.New("no such topic")
