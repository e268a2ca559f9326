package postgres

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"pushgate/store/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// open answers a Store that is closed when the test ends.
func open(t testing.TB, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), url, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// openMigrated is open with the newest schema.
func openMigrated(t testing.TB, url string) *Store {
	t.Helper()
	s := open(t, url)
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// exec runs a statement that is none of the Store's own.
func (s *Store) exec(t testing.TB, sql string, arguments ...any) (affected int64, err error) {
	t.Helper()
	err = s.do(t.Context(), "test", func(ctx context.Context, conn *pgx.Conn) error {
		tag, err := conn.Exec(ctx, sql, arguments...)
		affected = tag.RowsAffected()
		return err
	})
	return affected, err
}
