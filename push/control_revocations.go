package push

import (
	"context"
	"fmt"
	"time"

	"pushgate/push/wire"
	"pushgate/store"
)

const (
	// defaultRevocation is how long a revocation lasts that does not say it,
	// maxRevocation the longest.
	defaultRevocation = 30 * 24 * time.Hour
	maxRevocation     = 366 * 24 * time.Hour
)

// Revoke makes tokens worthless, here at once and on the other nodes of the store
// within about a second, and ends the sessions that they have let in. r names the
// token's id, or the subscriber, or neither: everybody; the last needs IssuedBefore.
// IssuedBefore is now if it is zero, Expires 30 days from now. It answers what is
// stored, and how many sessions of this node it ended.
func (e *Engine) Revoke(ctx context.Context, r store.Revocation) (stored store.Revocation, ended int, err error) {
	r.Created = e.now()
	if err := complete(&r); err != nil {
		return r, 0, err
	}
	if err := e.revocations.known(ctx); err != nil {
		return r, 0, fmt.Errorf("reading revocations: %w", err)
	}
	if most := e.revocations.most; e.revocations.full(r, r.Created) {
		return r, 0, refused(wire.CodeResourceExhausted, "there are %d revocations already; revoke everybody's tokens that were issued before a time instead", most)
	}
	ctx, cancel := context.WithTimeout(ctx, e.cfg.StoreTimeout)
	defer cancel()
	if stored, err = e.store.Revoke(ctx, r); err != nil {
		return r, 0, fmt.Errorf("storing a revocation: %w", err)
	}
	e.revocations.add([]store.Revocation{stored})
	return stored, e.revocations.enforce(), nil
}

// complete checks a revocation and fills in what it does not say.
func complete(r *store.Revocation) error {
	now := r.Created
	switch {
	case r.Subscriber != "" && r.TokenID != "":
		return invalid("token_id", "give a subscriber or a token's id, not both")
	case r.TokenID != "" && !r.IssuedBefore.IsZero():
		return invalid("issued_before", "a token with an id is revoked whenever it was issued; leave issued_before out")
	case r.Subscriber != "":
		if err := ValidateSubscriber(r.Subscriber); err != nil {
			return err
		}
	case r.TokenID != "":
		if err := validateName("token_id", r.TokenID); err != nil {
			return err
		}
	case r.IssuedBefore.IsZero():
		return invalid("issued_before", "to revoke everybody's tokens, say before what time they were issued")
	}
	if r.IssuedBefore.IsZero() {
		r.IssuedBefore = now
	}
	if r.Expires.IsZero() {
		r.Expires = now.Add(defaultRevocation)
	}
	switch {
	case r.IssuedBefore.After(now.Add(time.Minute)):
		return invalid("issued_before", "issued_before is in the future")
	case !r.Expires.After(now):
		return invalid("expire_time", "expire_time is not in the future")
	case r.Expires.After(now.Add(maxRevocation)):
		return invalid("expire_time", "expire_time is more than 366 days away")
	}
	return nil
}

// Revocations lists those that have not expired and whose number is greater than
// after, by number, at most limit.
func (e *Engine) Revocations(ctx context.Context, after uint64, limit int) (found []store.Revocation, err error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.StoreTimeout)
	defer cancel()
	now := e.now()
	for len(found) < limit {
		page, err := e.store.Revocations(ctx, after, limit)
		if err != nil {
			return nil, fmt.Errorf("reading revocations: %w", err)
		}
		for _, r := range page {
			after = r.Number
			if r.Expires.After(now) && len(found) < limit {
				found = append(found, r)
			}
		}
		if len(page) < limit {
			break
		}
	}
	return found, nil
}
