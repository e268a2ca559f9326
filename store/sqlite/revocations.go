package sqlite

import (
	"context"
	"fmt"
	"time"

	"pushgate/store"
)

// Revoke stores a revocation, and forgets those that have expired.
func (s *Store) Revoke(ctx context.Context, r store.Revocation) (stored store.Revocation, err error) {
	err = s.write(ctx, "revoke", func(t *tx) error {
		if _, err := t.exec("DELETE FROM revocations WHERE expires_at <= ?", r.Created.UnixMilli()); err != nil {
			return fmt.Errorf("forget revocations: %w", err)
		}
		err := t.rows(`INSERT OR REPLACE INTO revocations (subscriber, token_id, issued_before, expires_at, created_at)
			SELECT ?1, ?2, max(?3, coalesce(max(issued_before), ?3)), max(?4, coalesce(max(expires_at), ?4)), ?5
			FROM revocations WHERE subscriber = ?1 AND token_id = ?2
			RETURNING number, subscriber, token_id, issued_before, expires_at, created_at`,
			[]any{r.Subscriber, r.TokenID, r.IssuedBefore.UnixMilli(), r.Expires.UnixMilli(), r.Created.UnixMilli()},
			func(scan func(...any) error) (bool, error) {
				var err error
				stored, err = scanRevocation(scan)
				return false, err
			})
		if err != nil {
			return fmt.Errorf("insert a revocation: %w", err)
		}
		return nil
	})
	return stored, err
}

func scanRevocation(scan func(...any) error) (r store.Revocation, err error) {
	var issuedBefore, expires, created int64
	err = scan(&r.Number, &r.Subscriber, &r.TokenID, &issuedBefore, &expires, &created)
	r.IssuedBefore, r.Expires, r.Created = time.UnixMilli(issuedBefore).UTC(), time.UnixMilli(expires).UTC(), time.UnixMilli(created).UTC()
	return r, err
}

// Revocations answers those behind a number, in order.
func (s *Store) Revocations(ctx context.Context, after uint64, limit int) (all []store.Revocation, err error) {
	err = s.read(ctx, "read revocations", func(c *conn) error {
		return c.rows(`SELECT number, subscriber, token_id, issued_before, expires_at, created_at FROM revocations
			WHERE number > ? ORDER BY number LIMIT ?`, []any{after, limit},
			func(scan func(...any) error) (bool, error) {
				r, err := scanRevocation(scan)
				all = append(all, r)
				return false, err
			})
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
