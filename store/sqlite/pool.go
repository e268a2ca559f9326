package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

var errClosed = errors.New("the store is closed")

// pool lends a fixed number of connections, each to one caller at a time.
type pool struct {
	free    chan *conn
	closed  chan struct{}
	closing sync.Once
	err     error
}

func newPool(db *sql.DB, size int) (*pool, error) {
	p := &pool{free: make(chan *conn, size), closed: make(chan struct{})}
	for range size {
		raw, err := db.Conn(context.Background())
		if err != nil {
			return nil, errors.Join(err, closeFree(p.free))
		}
		p.free <- &conn{raw: raw, prepared: map[string]*sql.Stmt{}}
	}
	return p, nil
}

// use calls f with a connection, as soon as one is free. The context bounds the
// wait only: see conn.
func (p *pool) use(ctx context.Context, f func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-p.closed:
		return errClosed
	default:
	}
	select {
	case c := <-p.free:
		defer func() { p.free <- c }()
		return f(c)
	case <-p.closed:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close refuses new callers, waits for the present ones, and closes their connections.
func (p *pool) close() error {
	p.closing.Do(func() {
		close(p.closed)
		var errs []error
		for range cap(p.free) {
			errs = append(errs, (<-p.free).close())
		}
		p.err = errors.Join(errs...)
	})
	return p.err
}

func closeFree(free chan *conn) error {
	var errs []error
	for {
		select {
		case c := <-free:
			errs = append(errs, c.close())
		default:
			return errors.Join(errs...)
		}
	}
}
