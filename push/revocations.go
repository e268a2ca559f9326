package push

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"pushgate/push/wire"
	"pushgate/store"
)

const (
	// revocationInterval is how often the store is asked for new ones, at most.
	revocationInterval = time.Second
	// revocationPage is how many are read at once.
	revocationPage = 1000
	// maxRevocations is how many there may be.
	maxRevocations = 100_000
	// revocationPrune is how often those that have expired are forgotten here.
	revocationPrune = time.Minute
)

// revocations knows which grants are not good any more. It reads the store again
// and again, from the first session on that has a grant; other nodes write there
// too. Safe for concurrent use.
type revocations struct {
	service
	store    Revocations
	most     int // maxRevocations
	cfg      Config
	health   *health
	sessions *sessions
	logger   *slog.Logger

	ask    sync.Once
	wanted chan struct{} // closed with the first session that has a grant
	loaded chan struct{} // closed when all were read for the first time

	mu           sync.RWMutex
	last         uint64
	byID         map[string]store.Revocation
	bySubscriber map[string]store.Revocation // "" is everybody
}

func newRevocations(s Revocations, cfg Config, health *health, sessions *sessions) *revocations {
	r := &revocations{
		store: s, most: maxRevocations, cfg: cfg, health: health, sessions: sessions, logger: cfg.Logger,
		wanted: make(chan struct{}), loaded: make(chan struct{}),
		byID: map[string]store.Revocation{}, bySubscriber: map[string]store.Revocation{},
	}
	r.loops = []func(context.Context){r.run}
	return r
}

// known waits until what the store holds is known here.
func (r *revocations) known(ctx context.Context) error {
	r.ask.Do(func() { close(r.wanted) })
	select {
	case <-r.loaded:
		return nil
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, r.cfg.StoreTimeout)
	defer cancel()
	select {
	case <-r.loaded:
		return nil
	case <-ctx.Done():
		return store.ErrUnavailable
	}
}

func (r *revocations) run(ctx context.Context) {
	select {
	case <-r.wanted:
	case <-ctx.Done():
		return
	}
	pruned, loaded := time.Now(), false
	for {
		err := r.read(ctx)
		r.health.report(ctx, err)
		switch {
		case err == nil && !loaded:
			loaded = true
			close(r.loaded)
		case err != nil && ctx.Err() == nil:
			r.logger.Debug("reading revocations failed", "error", err)
		}
		if now := time.Now(); now.Sub(pruned) >= revocationPrune {
			r.prune(now)
			pruned = now
		}
		select {
		case <-time.After(min(r.cfg.SweepInterval, revocationInterval)):
		case <-ctx.Done():
			return
		}
	}
}

// read takes over what is new in the store.
func (r *revocations) read(ctx context.Context) error {
	for {
		r.mu.RLock()
		last := r.last
		r.mu.RUnlock()
		page, err := r.page(ctx, last)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		r.add(page)
		r.mu.Lock()
		r.last = max(r.last, page[len(page)-1].Number)
		r.mu.Unlock()
		r.enforce()
		if len(page) < revocationPage {
			return nil
		}
	}
}

func (r *revocations) page(ctx context.Context, after uint64) ([]store.Revocation, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.StoreTimeout)
	defer cancel()
	return r.store.Revocations(ctx, after, revocationPage)
}

// add takes over revocations, which may be older than what is known: what this node has
// stored itself comes another way than what it reads.
func (r *revocations) add(all []store.Revocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range all {
		known, name := r.of(one)
		if one.Number > known[name].Number {
			known[name] = one
		}
	}
}

// of is where a revocation is kept, and by what name.
func (r *revocations) of(one store.Revocation) (known map[string]store.Revocation, name string) {
	if one.TokenID != "" {
		return r.byID, one.TokenID
	}
	return r.bySubscriber, one.Subscriber
}

func (r *revocations) prune(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, known := range []map[string]store.Revocation{r.byID, r.bySubscriber} {
		for name, one := range known {
			if !now.Before(one.Expires) {
				delete(known, name)
			}
		}
	}
}

// full says that there is no room for a revocation. There always is for one of
// everybody, which is what to do then, and for one that replaces another.
func (r *revocations) full(one store.Revocation, now time.Time) bool {
	if r.room(one) {
		return false
	}
	r.prune(now)
	return !r.room(one)
}

func (r *revocations) room(one store.Revocation) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	known, name := r.of(one)
	_, replaces := known[name]
	return replaces || one.TokenID == "" && one.Subscriber == "" || len(r.byID)+len(r.bySubscriber) < r.most
}

// revoked says whether a grant is not good any more.
func (r *revocations) revoked(g *Grant) bool {
	if g.Standing {
		return false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	now := time.Now()
	if one, found := r.byID[g.ID]; found && now.Before(one.Expires) {
		return true
	}
	for _, name := range []string{"", g.Account, g.Subscriber} {
		if one, found := r.bySubscriber[name]; found && now.Before(one.Expires) && g.Issued.Before(one.IssuedBefore) {
			return true
		}
	}
	return false
}

// enforce ends the sessions whose grants are not good any more, and answers how many.
func (r *revocations) enforce() (ended int) {
	for _, s := range r.sessions.all() {
		if s.expelRevoked() {
			ended++
		}
	}
	return ended
}

// revoked says that the session's grant is not good any more.
func (s *Session) revoked() bool {
	if s.door == nil {
		return false
	}
	grant := s.door.grant.Load()
	return grant != nil && s.engine.revocations.revoked(grant)
}

// Revoked says whether a grant that was given outside of a session is revoked. It
// waits until what the store holds is known here, and fails when that cannot be had.
func (e *Engine) Revoked(ctx context.Context, g *Grant) (bool, error) {
	if err := e.revocations.known(ctx); err != nil {
		return false, fmt.Errorf("reading revocations: %w", err)
	}
	return e.revocations.revoked(g), nil
}

// Standing says why a grant that was given outside of a session is not good, if it is not.
// It waits as Revoked does.
func (e *Engine) Standing(ctx context.Context, g *Grant) error {
	if g.expired(time.Now()) {
		return errExpired
	}
	switch revoked, err := e.Revoked(ctx, g); {
	case err != nil:
		return err
	case revoked:
		return errRevoked
	}
	return nil
}

// expelRevoked ends a session whose grant is not good any more.
func (s *Session) expelRevoked() bool {
	if !s.revoked() || s.Ending() != 0 {
		return false
	}
	s.End(unauthenticated("token revoked"))
	return true
}

var (
	errRevoked = refused(wire.CodeUnauthenticated, "the token is revoked")
	errExpired = refused(wire.CodeUnauthenticated, "the token has expired")
)
