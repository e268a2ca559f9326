package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// conn is one connection with the statements that it has prepared. One
// goroutine uses it at a time.
//
// Statements run without the caller's context: each is short, a cancelled one
// would leave a transaction half done, and watching a context costs as much as
// a small statement. Callers look at their context between statements.
type conn struct {
	raw      *sql.Conn
	prepared map[string]*sql.Stmt
}

func (c *conn) statement(query string) (*sql.Stmt, error) {
	if s, ok := c.prepared[query]; ok {
		return s, nil
	}
	s, err := c.raw.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	c.prepared[query] = s
	return s, nil
}

// exec runs a statement and answers the number of rows that it changed.
func (c *conn) exec(query string, arguments ...any) (int64, error) {
	s, err := c.statement(query)
	if err != nil {
		return 0, err
	}
	result, err := s.ExecContext(context.Background(), arguments...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// rows calls f for each row of a query, until f says that it has enough.
func (c *conn) rows(query string, arguments []any, f func(scan func(...any) error) (enough bool, err error)) (err error) {
	s, err := c.statement(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background(), arguments...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if enough, err := f(rows.Scan); enough || err != nil {
			return err
		}
	}
	return rows.Err()
}

// row scans the only row of a query; sql.ErrNoRows says that there is none.
func (c *conn) row(query string, arguments []any, into ...any) error {
	s, err := c.statement(query)
	if err != nil {
		return err
	}
	return s.QueryRowContext(context.Background(), arguments...).Scan(into...)
}

// script runs statements that are not worth keeping prepared.
func (c *conn) script(text string) error {
	_, err := c.raw.ExecContext(context.Background(), text)
	return err
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.prepared {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.raw.Close())...)
}
