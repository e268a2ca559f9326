package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"pushgate/store"
)

// Revoke stores a revocation, and forgets those that have expired. Only one is
// stored at a time, so numbers become visible in order.
func (s *Store) Revoke(ctx context.Context, r store.Revocation) (store.Revocation, error) {
	err := s.transact(ctx, "revoke", func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "LOCK TABLE revocations IN SHARE ROW EXCLUSIVE MODE"); err != nil {
			return err
		}
		var old store.Revocation
		rows, err := tx.Query(ctx, "DELETE FROM revocations WHERE subscriber = $1 AND token_id = $2 RETURNING issued_before, expires_at", r.Subscriber, r.TokenID)
		if err != nil {
			return err
		}
		_, err = pgx.ForEachRow(rows, []any{&old.IssuedBefore, &old.Expires}, func() error { return nil })
		if err != nil {
			return err
		}
		if old.IssuedBefore.After(r.IssuedBefore) {
			r.IssuedBefore = old.IssuedBefore
		}
		if old.Expires.After(r.Expires) {
			r.Expires = old.Expires
		}
		if _, err := tx.Exec(ctx, "DELETE FROM revocations WHERE expires_at <= $1", moment(r.Created)); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `INSERT INTO revocations (subscriber, token_id, issued_before, expires_at, created_at)
			VALUES ($1, $2, $3, $4, $5) RETURNING number`,
			r.Subscriber, r.TokenID, moment(r.IssuedBefore), moment(r.Expires), moment(r.Created)).Scan(&r.Number)
	})
	if err != nil {
		return store.Revocation{}, err
	}
	r.IssuedBefore, r.Expires, r.Created = instant(r.IssuedBefore), instant(r.Expires), instant(r.Created)
	return r, nil
}

// Revocations answers those behind a number, in order.
func (s *Store) Revocations(ctx context.Context, after uint64, limit int) (all []store.Revocation, err error) {
	err = s.do(ctx, "read revocations", func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `SELECT number, subscriber, token_id, issued_before, expires_at, created_at FROM revocations
			WHERE number > $1 ORDER BY number LIMIT $2`, bigint(after), limit)
		if err != nil {
			return err
		}
		var r store.Revocation
		_, err = pgx.ForEachRow(rows, []any{&r.Number, &r.Subscriber, &r.TokenID, &r.IssuedBefore, &r.Expires, &r.Created}, func() error {
			r.IssuedBefore, r.Expires, r.Created = instant(r.IssuedBefore), instant(r.Expires), instant(r.Created)
			all = append(all, r)
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
