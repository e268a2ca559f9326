// Package postgres is the store on PostgreSQL 13 or later, for one or more
// nodes on one database.
//
// A write of several channels locks their rows in the order of their ids, and a
// write of several subscriptions theirs in the order of (channel_id,
// subscriber), channels first; rows of messages are touched only under the lock
// of their channel. So calls never deadlock, and since the lock is held to the
// commit, seqs become visible in order.
//
// Statements run in READ COMMITTED. A row that FOR UPDATE waited for is read in
// its newest version, but all other rows are those of the statement's start:
// what must be seen behind a lock is read by a later statement.
package postgres

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"pushgate/store"
)

// Store keeps channels, messages and subscriptions in PostgreSQL. Its methods
// may be called from several goroutines.
type Store struct {
	pool    *pgxpool.Pool
	timeout time.Duration
}

// Open parses the URL and connects to nothing: each method connects when it
// needs to, and answers store.ErrUnavailable when it cannot. Errors never show
// the password.
func Open(ctx context.Context, url string, options Options) (*Store, error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, parseFailure(url, err)
	}
	config.MaxConns = int32(options.MaxConns)
	config.MaxConnLifetime, config.MaxConnIdleTime = options.MaxConnLifetime, options.MaxConnIdle
	session := config.ConnConfig
	session.ConnectTimeout = cmp.Or(options.ConnectTimeout, session.ConnectTimeout, 5*time.Second)
	timeout := strconv.FormatInt(options.StatementTimeout.Milliseconds(), 10)
	for name, value := range map[string]string{
		"application_name":                    "pushgate",
		"statement_timeout":                   timeout,
		"idle_in_transaction_session_timeout": timeout,
		// All statements here are loops over a handful of rows found by an index.
		// A plan is made once, often while the tables are empty, when it would
		// choose otherwise, and it is kept until statistics say how they grew.
		"plan_cache_mode":   "force_generic_plan",
		"enable_seqscan":    "off",
		"enable_bitmapscan": "off",
		"enable_hashjoin":   "off",
		"enable_mergejoin":  "off",
		"jit":               "off",
	} {
		if _, given := session.RuntimeParams[name]; !given {
			session.RuntimeParams[name] = value
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("postgres: open: %w", err)
	}
	return &Store{pool: pool, timeout: options.StatementTimeout + time.Second}, nil
}

// Close waits for the calls under way and closes all connections. Twice is safe.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

// Ping says whether the server can be reached and takes writes now; the error
// wraps store.ErrUnavailable if not.
func (s *Store) Ping(ctx context.Context) error {
	return s.do(ctx, "ping", func(ctx context.Context, conn *pgx.Conn) error {
		var readOnly bool
		err := conn.QueryRow(ctx, `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool`).Scan(&readOnly)
		if err == nil && readOnly {
			return fmt.Errorf("%w: the server is read-only", store.ErrUnavailable)
		}
		return err
	})
}

// do runs f with a connection and a deadline, and describes its error.
func (s *Store) do(ctx context.Context, action string, f func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return describe(action, err, true)
	}
	defer conn.Release()
	err = f(ctx, conn.Conn())
	lost := conn.Conn().IsClosed()
	if lost && ctx.Err() == nil {
		// What broke it (a restart, a failover) has most likely broken the idle ones.
		s.pool.Reset()
	}
	return describe(action, err, lost)
}

// transact is do within one transaction.
func (s *Store) transact(ctx context.Context, action string, f func(context.Context, pgx.Tx) error) error {
	return s.do(ctx, action, func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return f(ctx, tx) })
	})
}

// bigint brings a seq into the range of the database's type; nothing real is
// beyond it.
func bigint(seq uint64) int64 { return int64(min(seq, math.MaxInt64)) }

// instant is a time as the store gives it out.
func instant(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }

// moment is a time as the store keeps it: whole milliseconds.
func moment(t time.Time) time.Time { return t.Truncate(time.Millisecond) }
