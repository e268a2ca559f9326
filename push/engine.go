package push

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"pushgate/push/wire"
	"pushgate/store"
)

// Engine is the delivery engine of one node: it takes messages, stores them,
// hands them to live sessions, and brings those that are behind up to date. All
// methods may be called from any goroutine, between Start and Stop.
type Engine struct {
	cfg     Config
	store   Store
	log     *slog.Logger
	metrics *Metrics
	started time.Time

	hub         *hub
	health      *health
	appender    *appender
	backlog     *backlog
	cursors     *cursors
	sweep       *sweep
	retention   *retention
	revocations *revocations
	watchers    *watchers
	idler       *idler
	watchdog    watchdog
	short       atomic.Bool

	tails      *loader[string, store.Tail]
	subscribes *loader[store.NewSubscription, store.Subscription]
	restores   *loader[string, []store.Subscription]

	ephemeralPrefix string
	ephemerals      atomic.Uint64
}

// loaderWorkers is how many batches of look-ups of one kind are under way at once.
const loaderWorkers = 2

// New makes an engine on a store that stays the caller's: it must outlive Stop.
func New(s Store, cfg Config) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.now == nil {
		cfg.now = func() time.Time { return time.Now().Truncate(time.Millisecond) }
	}
	cfg.watch()
	e := &Engine{
		cfg: cfg, store: s, log: cfg.Logger, metrics: newMetrics(cfg.Registry), started: cfg.now(),
		watchers: &watchers{}, ephemeralPrefix: rand.Text()[:12] + "-",
	}
	e.hub = newHub(cfg, e.metrics)
	e.health = newHealth(s.Ping, cfg)
	e.backlog = newBacklog(s, cfg, e.metrics, e.health)
	e.hub.backlog = e.backlog
	e.appender = newAppender(s, cfg, e.metrics, e.health, e.hub.committed)
	e.cursors = newCursors(s, cfg, e.metrics, e.watchers, e.health)
	e.sweep = newSweep(e.hub, s, cfg, e.health)
	e.retention = newRetention(e, s, cfg)
	e.revocations = newRevocations(s, cfg, e.health, &e.hub.sessions)
	e.idler = newIdler(&e.hub.sessions, cfg.IdleAfter)
	e.watchdog = watchdog{cfg: &e.hub.cfg, metrics: e.metrics, log: cfg.Logger}
	e.tails = newLoader(loaderWorkers, cfg.StoreTimeout, e.loadTails)
	e.subscribes = newLoader(loaderWorkers, cfg.StoreTimeout, s.Subscribe)
	e.restores = newLoader(loaderWorkers, cfg.StoreTimeout, e.loadSubscriptions)
	e.metrics.watchEngine(cfg.Registry, e)
	return e, nil
}

// Start launches the background services.
func (e *Engine) Start() {
	for _, s := range e.services() {
		s.Start()
	}
}

// Stop ends all sessions that are still there, commits what was accepted, writes
// the last acks, and waits for every goroutine. Twice is safe.
func (e *Engine) Stop() {
	for _, s := range e.hub.sessions.all() {
		s.End(Draining())
	}
	for _, s := range slices.Backward(e.services()) {
		s.Stop()
	}
}

// services in the order of their start: each may use those before it.
func (e *Engine) services() []interface {
	Start()
	Stop()
} {
	return []interface {
		Start()
		Stop()
	}{
		e.health, e.cursors, e.backlog, e.tails, e.subscribes, e.restores, e.appender, e.sweep, e.retention, e.revocations, e.idler,
	}
}

func (e *Engine) now() time.Time { return e.cfg.now() }

// Serving says whether the store can be used.
func (e *Engine) Serving() bool { return e.health.serving() }

// MemoryShort says whether clients may open subscriptions: while memory is short
// they are refused more.
func (e *Engine) MemoryShort(short bool) { e.short.Store(short) }

// OnHealth sets what is told when Serving may have changed; before Start.
func (e *Engine) OnHealth(f func(serving bool)) { e.health.watch = f }

// Submit takes a message. When it answers nil, done is called exactly once, when
// the message's fate is known, possibly before Submit returns; it must not block.
// Messages that one goroutine submits to one channel get ascending seqs. While
// the ingest queue is full, Submit waits if wait is set, and refuses otherwise.
func (e *Engine) Submit(ctx context.Context, p Publication, wait bool, done func(Published, error)) error {
	born := time.Now()
	m, err := p.message(e.cfg.current().MaxPayload, e.now())
	if err != nil {
		e.metrics.published(string(AsError(err).Code))
		return err
	}
	if !e.stores(p) {
		done(e.ephemeral(m, born), nil)
		return nil
	}
	s := &submission{message: m, born: born}
	s.done = func(r store.Appended, err error) {
		e.metrics.appended(r, err)
		done(answer(r), err)
	}
	err = e.appender.submit(ctx, s, wait)
	if err != nil {
		e.metrics.published(string(AsError(err).Code))
	}
	return err
}

// stores says whether a message is more than ephemeral.
func (e *Engine) stores(p Publication) bool {
	return !p.Ephemeral && e.cfg.current().Namespaces.Of(p.Channel).Durable
}

func answer(r store.Appended) Published {
	return Published{Seq: r.Seq, Epoch: r.Epoch, MessageID: r.ID, Duplicate: r.Duplicate, Time: r.Time}
}

// Publish is Submit that waits for the outcome.
func (e *Engine) Publish(ctx context.Context, p Publication) (Published, error) {
	type outcome struct {
		published Published
		err       error
	}
	result := make(chan outcome, 1)
	err := e.Submit(ctx, p, false, func(p Published, err error) { result <- outcome{p, err} })
	if err != nil {
		return Published{}, err
	}
	select {
	case r := <-result:
		return r.published, r.err
	case <-ctx.Done():
		return Published{}, ctx.Err()
	}
}

// ephemeral hands a message to everybody who is subscribed on this node now.
func (e *Engine) ephemeral(m store.Message, born time.Time) Published {
	if m.ID == "" {
		m.ID = e.ephemeralPrefix + strconv.FormatUint(e.ephemerals.Add(1), 36)
	}
	if c := e.hub.find(m.Channel); c != nil {
		c.broadcast(encode(m), born)
	}
	e.metrics.published(resultEphemeral)
	return Published{MessageID: m.ID, Time: m.Time}
}

// Connection is what Connect needs to know.
type Connection struct {
	// Subscriber is the durable identity; "" has none and can only be live.
	// With Authentication its grants say it.
	Subscriber string
	// Authentication is how the client shows what it may do; nil: it may do
	// everything.
	Authentication *Authentication
	// Consent is asked for the subscriptions to channels of namespaces with Authorize,
	// if the grant allows them; nil: nobody is.
	Consent Consent
	// Restore reopens the subscriber's stored subscriptions.
	Restore bool
	// Channels are subscribed to at once with the default options.
	Channels []string
	Info     SessionInfo
	// Wake is called, with locks held, when Drain has something to yield: it must
	// return at once and call nothing of the session.
	Wake func()
}

// Connect begins a session: the connected frame is the first that Drain yields,
// and what waits for the subscriber follows. It fails when the store cannot tell
// the subscriber's subscriptions.
func (e *Engine) Connect(ctx context.Context, c Connection) (*Session, error) {
	if c.Authentication != nil {
		c.Subscriber = ""
		if grant := c.Authentication.Grant; grant != nil {
			c.Subscriber = grant.Subscriber
		}
		if err := e.revocations.known(ctx); err != nil {
			return nil, fmt.Errorf("reading revocations: %w", err)
		}
	}
	if c.Subscriber != "" {
		if err := ValidateSubscriber(c.Subscriber); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	if a := c.Authentication; a != nil && a.Grant.expired(now) {
		return nil, errExpired
	}
	s := &Session{
		id: rand.Text(), subscriber: c.Subscriber, info: c.Info, started: e.now(),
		engine: e, hub: e.hub, wake: c.Wake,
		door: newDoor(c, now), consent: c.Consent,
	}
	e.hub.population.born()
	// First known, then read: what a backend creates from here on is adopted.
	e.hub.sessions.add(s)
	stored, err := e.stored(ctx, c.Subscriber, c.Restore)
	if err == nil {
		stored, err = s.consentedOf(ctx, stored)
	}
	if err == nil && s.revoked() {
		err = errRevoked
	}
	if err != nil {
		e.hub.sessions.remove(s)
		s.abandon()
		return nil, err
	}
	e.metrics.connects.Inc()
	e.metrics.connections.Inc()
	s.greet(ctx, stored)
	if s.strange() {
		return s, nil
	}
	for _, channel := range c.Channels {
		s.subscribeTo(ctx, channel)
	}
	return s, nil
}

// stored reads the subscriptions that are to be reopened for a subscriber.
func (e *Engine) stored(ctx context.Context, subscriber string, restore bool) ([]store.Subscription, error) {
	if subscriber == "" || !restore {
		return nil, nil
	}
	stored, err := e.restores.get(ctx, subscriber)
	if err != nil {
		return nil, fmt.Errorf("restoring subscriptions: %w", err)
	}
	return stored, nil
}

// greet sends the connected frame and opens the restored subscriptions.
func (s *Session) greet(ctx context.Context, stored []store.Subscription) {
	e := s.engine
	connected := wire.Connected{
		Connection: s.id, Node: e.cfg.Node, Subscriber: s.subscriber,
		Heartbeat: int(e.cfg.Heartbeat / time.Second), MaxFrame: e.cfg.MaxFrame,
	}
	reopened, left := s.reopenAll(stored)
	for _, r := range reopened {
		connected.Subscriptions = append(connected.Subscriptions, r.open)
	}
	s.send(connected)
	s.tellLeft(left)
	for _, r := range reopened {
		s.join(r.sub)
	}
	s.settled(ctx)
}

// loadSubscriptions reads the subscriptions of many subscribers in one query.
func (e *Engine) loadSubscriptions(ctx context.Context, subscribers []string) ([][]store.Subscription, error) {
	unique := slices.Compact(slices.Sorted(slices.Values(subscribers)))
	all, err := e.store.Subscriptions(ctx, unique)
	if err != nil {
		return nil, err
	}
	of := make(map[string][]store.Subscription, len(unique))
	for _, s := range all {
		of[s.Subscriber] = append(of[s.Subscriber], s)
	}
	result := make([][]store.Subscription, len(subscribers))
	for i, name := range subscribers {
		result[i] = of[name]
	}
	return result, nil
}

// loadTails reads each channel's tail once, however many ask for it.
func (e *Engine) loadTails(ctx context.Context, channels []string) ([]store.Tail, error) {
	unique := slices.Compact(slices.Sorted(slices.Values(channels)))
	all, err := e.store.Tails(ctx, unique)
	if err != nil {
		return nil, err
	}
	tails := make([]store.Tail, len(channels))
	for i, name := range channels {
		k, _ := slices.BinarySearch(unique, name)
		tails[i] = all[k]
	}
	return tails, nil
}

// subscribe creates or finds a durable subscription, together with others.
func (e *Engine) subscribe(ctx context.Context, request store.NewSubscription) (store.Subscription, error) {
	s, err := e.subscribes.get(ctx, request)
	if err != nil {
		return s, fmt.Errorf("subscribing: %w", err)
	}
	return s, nil
}

// tail asks the store where a channel that was acquired ends. What this node
// knows would not do: another node may have stored something just now.
func (e *Engine) tail(ctx context.Context, c *channel) (store.Tail, error) {
	tail, err := e.tails.get(ctx, c.name)
	if err != nil {
		return tail, fmt.Errorf("reading the channel's end: %w", err)
	}
	c.observe(tail)
	return tail, nil
}

// forget deletes a durable subscription, and closes it wherever it is open here.
func (e *Engine) forget(ctx context.Context, key store.SubscriptionKey, reason wire.UnsubscribeReason) (existed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.StoreTimeout)
	defer cancel()
	existed, err = e.store.Unsubscribe(ctx, key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, fmt.Errorf("deleting a subscription: %w", err)
	}
	e.dropped(key, reason)
	return existed, nil
}

// dropped closes a durable subscription that is no longer in the store.
func (e *Engine) dropped(key store.SubscriptionKey, reason wire.UnsubscribeReason) {
	farewell := wire.Encode(wire.Unsubscribed{Channel: key.Channel, Reason: reason})
	for _, s := range e.hub.sessions.of(key.Subscriber) {
		if sub := s.open(key.Channel); sub != nil && sub.durable {
			s.close(sub, farewell)
		}
	}
	e.cursors.forget(key)
}
