package push

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"pushgate/push/wire"
	"pushgate/store"
)

// backlog brings subscriptions that are behind up to their channel's tail: from
// the ring where it reaches back far enough, else by pages from the store.
// Subscriptions of one channel share pages, and pages of many channels share a
// query. A subscription is in the queue, or with one worker, at most once.
type backlog struct {
	service
	log     Log
	cfg     Config
	metrics *Metrics
	health  *health
	logger  *slog.Logger
	now     func() time.Time

	mu    sync.Mutex
	queue []*subscription
	more  chan struct{}
}

// The bounds of one round of a worker.
const (
	backlogRound   = 4096 // subscriptions
	backlogPages   = 64   // pages of one query
	backlogWorkers = 2
	pageMessages   = 256
	pageBytes      = 256 << 10
	backlogRetry   = 250 * time.Millisecond
)

func newBacklog(log Log, cfg Config, metrics *Metrics, health *health) *backlog {
	b := &backlog{
		log: log, cfg: cfg, metrics: metrics, health: health, logger: cfg.Logger, now: cfg.now,
		more: make(chan struct{}, backlogWorkers),
	}
	for range backlogWorkers {
		b.loops = append(b.loops, b.run)
	}
	return b
}

// add queues a subscription that was put into catchingUp. Its session's lock is held.
func (b *backlog) add(s *subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = append(b.queue, s)
	select {
	case b.more <- struct{}{}:
	default:
	}
}

func (b *backlog) addAll(subs []*subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = append(b.queue, subs...)
}

func (b *backlog) take(buf []*subscription) []*subscription {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.queue), backlogRound)
	buf = append(buf[:0], b.queue[:n]...)
	rest := copy(b.queue, b.queue[n:])
	clear(b.queue[rest:])
	b.queue = b.queue[:rest]
	return buf
}

func (b *backlog) length() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.queue)
}

func (b *backlog) run(ctx context.Context) {
	var buf []*subscription
	for ctx.Err() == nil {
		buf = b.take(buf)
		if len(buf) == 0 {
			select {
			case <-b.more:
			case <-ctx.Done():
			}
			continue
		}
		if err := b.round(ctx, buf); err != nil && ctx.Err() == nil {
			b.logger.Warn("backlog read failed; trying again", "error", err)
			select {
			case <-time.After(backlogRetry):
			case <-ctx.Done():
			}
		}
		clear(buf)
	}
}

// round feeds each subscription once, and queues again those that are not done.
func (b *backlog) round(ctx context.Context, subs []*subscription) error {
	behind := subs[:0]
	for _, s := range subs {
		if s.channel.catchUp(s) {
			behind = append(behind, s)
		}
	}
	reads := plan(behind)
	for len(reads) > 0 {
		n := min(len(reads), backlogPages)
		if err := b.read(ctx, reads[:n]); err != nil {
			for _, r := range reads {
				b.addAll(r.subs)
			}
			return err
		}
		reads = reads[n:]
	}
	return nil
}

// read is one page and the subscriptions that it is for.
type read struct {
	channel *channel
	after   uint64
	subs    []*subscription
}

// plan groups subscriptions so that as few pages as possible serve them: those
// of one channel that are less than a page apart share one.
func plan(subs []*subscription) []*read {
	type place struct {
		sub  *subscription
		sent uint64
	}
	places := make([]place, len(subs))
	for i, s := range subs {
		places[i] = place{s, s.position()}
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.sub.channel.name, b.sub.channel.name), cmp.Compare(a.sent, b.sent))
	})
	var reads []*read
	var last *read
	for _, p := range places {
		if last == nil || last.channel != p.sub.channel || p.sent >= last.after+pageMessages {
			last = &read{channel: p.sub.channel, after: p.sent}
			reads = append(reads, last)
		}
		last.subs = append(last.subs, p.sub)
	}
	return reads
}

func (s *subscription) position() uint64 {
	s.session.mu.Lock()
	defer s.session.mu.Unlock()
	return s.sent
}

// read does one query, and feeds what it brought.
func (b *backlog) read(ctx context.Context, reads []*read) error {
	requests := make([]store.PageRequest, len(reads))
	for i, r := range reads {
		requests[i] = store.PageRequest{Channel: r.channel.name, After: r.after, Limit: pageMessages, Bytes: pageBytes}
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.StoreTimeout)
	defer cancel()
	start := time.Now()
	pages, err := b.log.Pages(ctx, b.now(), requests)
	b.metrics.call("pages", time.Since(start), err)
	b.health.report(ctx, err)
	if err != nil {
		return err
	}
	for i, r := range reads {
		r.channel.observe(pages[i].Tail)
		frames := make([]*wire.Frame, len(pages[i].Messages))
		for k, m := range pages[i].Messages {
			frames[k] = encode(m)
		}
		for _, s := range r.subs {
			s.feed(&pages[i], frames)
		}
	}
	return nil
}

// feed sends what a page has for the subscription, and tells what is missing
// between: below the floor for the floor's reason, elsewhere because its time to
// live ended.
func (s *subscription) feed(page *store.Page, frames []*wire.Frame) {
	s.session.mu.Lock()
	defer s.session.mu.Unlock()
	fed := 0
	for i, m := range page.Messages {
		if s.state != catchingUp {
			break
		}
		if m.Seq <= s.sent {
			continue
		}
		if !s.skipTo(m.Seq-1, page) {
			break
		}
		if waiting, ok := s.room(); !ok {
			s.wait(waiting)
			break
		}
		s.send(m.Seq, frames[i])
		fed++
	}
	s.session.hub.metrics.deliveredBacklog.Add(float64(fed))
	if s.state == catchingUp && !page.More {
		s.skipTo(page.LastSeq, page)
	}
	if s.state == catchingUp {
		s.session.hub.backlog.add(s)
	}
}

// skipTo tells the client of what is gone up to a seq. It says false when there
// is no room for telling it.
func (s *subscription) skipTo(to uint64, page *store.Page) bool {
	if s.sent >= to {
		return true
	}
	if s.session.full() {
		s.wait(awaitingRoom)
		return false
	}
	if s.sent < page.Floor && page.FloorReason != store.ReasonExpired {
		s.skip(min(page.Floor, to), wire.GapReason(page.FloorReason))
	}
	if s.sent < to {
		s.skip(to, wire.GapExpired)
	}
	return true
}
