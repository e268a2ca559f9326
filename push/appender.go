package push

import (
	"context"
	"errors"
	"hash/maphash"
	"time"

	"pushgate/store"
)

// appender gathers messages into batches and commits them, a batch in one
// transaction. All messages of a channel go through the same committer, one
// batch at a time, so they are stored, answered and dispatched in the order in
// which they came.
type appender struct {
	service
	log        Log
	timeout    time.Duration
	committers []*gatherer[*submission]
	seed       maphash.Seed
	committed  func([]*submission) // hands stored messages to the hub
	metrics    *Metrics
	health     *health
}

// submission is one message on its way into the store.
type submission struct {
	message store.Message
	result  store.Appended
	born    time.Time // when the publish came in
	done    func(store.Appended, error)
}

// The bounds of one batch: what fits 1 to 10 ms of commit.
const (
	batchMessages = 1024
	batchBytes    = 4 << 20
	batchLinger   = 2 * time.Millisecond
)

func newAppender(log Log, cfg Config, metrics *Metrics, health *health, committed func([]*submission)) *appender {
	a := &appender{
		log: log, timeout: cfg.StoreTimeout, seed: maphash.MakeSeed(),
		committed: committed, metrics: metrics, health: health,
	}
	for range cfg.Committers {
		g := newGatherer[*submission](batchMessages, batchBytes,
			cfg.IngestMessages/cfg.Committers, cfg.IngestBytes/cfg.Committers, batchLinger)
		a.committers = append(a.committers, g)
		a.loops = append(a.loops, func(ctx context.Context) { g.run(ctx, a.commit) })
	}
	return a
}

// Stop commits and answers everything that was accepted, and refuses the rest.
func (a *appender) Stop() {
	for _, g := range a.committers {
		g.close()
	}
	a.service.Stop()
}

// submit queues s; its done is called once, from a committer, with the result
// of the commit. When the queue is full it waits for room while wait is set,
// and is refused otherwise.
func (a *appender) submit(ctx context.Context, s *submission, wait bool) error {
	g := a.committers[maphash.String(a.seed, s.message.Channel)%uint64(len(a.committers))]
	size := len(s.message.Data) + len(s.message.Headers)
	if wait {
		return g.addWait(ctx, s, size)
	}
	return g.add(s, size)
}

func (a *appender) commit(batch []*submission) {
	if err := a.store(batch, nil); err != nil {
		for _, s := range batch {
			s.done(store.Appended{}, err)
		}
		return
	}
	// First dispatch, then answer: what a publisher knows to be published is on
	// its way to everybody who is live.
	a.committed(batch)
	for _, s := range batch {
		s.done(s.result, nil)
	}
}

// store appends a batch, with the position of its source if it has one, and
// notes the results. Nobody's context ends it: the outcome would be unknown.
func (a *appender) store(batch []*submission, position *store.Position) error {
	messages := make([]store.Message, len(batch))
	for i, s := range batch {
		messages[i] = s.message
	}
	ctx, cancel := context.WithTimeout(context.Background(), a.timeout)
	defer cancel()
	start := time.Now()
	results, err := a.log.Append(ctx, store.Batch{Messages: messages, Position: position})
	failure := err
	if errors.Is(err, store.ErrReplayed) {
		failure = nil
	}
	a.metrics.batch(len(batch), time.Since(start), failure)
	a.health.report(ctx, failure)
	if err != nil {
		return err
	}
	for i, s := range batch {
		s.result = results[i]
	}
	return nil
}

// queued is what waits for a commit.
func (a *appender) queued() (messages, bytes int) {
	for _, g := range a.committers {
		m, b := g.length()
		messages, bytes = messages+m, bytes+b
	}
	return messages, bytes
}
