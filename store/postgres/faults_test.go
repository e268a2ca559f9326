package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"pushgate/store"
	"pushgate/store/postgres/pgtest"
)

func TestOpenNeverShowsThePassword(t *testing.T) {
	for _, url := range []string{
		"postgres://user:s3cret@host:port/db",
		"postgres://user:s3cret/x@host/db",
		"postgres://user:s3cret@host/db?sslmode=perhaps",
		"postgres://user:s3cret@host/db?connect_timeout=never",
		"postgres://user:s3cret%zz@host/db",
		"host=h user=u password=s3cret sslmode=perhaps",
		"host=h user=u password='s3cret",
		"s3cret",
	} {
		_, err := Open(t.Context(), url, Options{})
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("Open = %v, want an error without the password", err)
		}
	}
	s, err := Open(t.Context(), "postgres://user:s3cret@127.0.0.1:1/db", Options{})
	if err != nil {
		t.Fatalf("Open of a server that is down: %v", err)
	}
	defer func() { _ = s.Close() }()
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("Ping = %v, want ErrUnavailable without the password", err)
	}
	if _, _, err := s.Migrate(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Migrate = %v, want ErrUnavailable", err)
	}
}

func TestSchemaThatDoesNotFit(t *testing.T) {
	url := pgtest.New(t)
	s := open(t, url)
	if _, err := s.Tails(t.Context(), []string{"a"}); !errors.Is(err, store.ErrSchema) {
		t.Errorf("Tails before Migrate = %v, want ErrSchema", err)
	}
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.exec(t, `INSERT INTO schema_migrations (version, name) VALUES (1000, 'later')`); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Migrate(t.Context()); !errors.Is(err, store.ErrSchema) {
		t.Errorf("Migrate of a newer database = %v, want ErrSchema", err)
	}
}

func TestMigrateFromManyNodesAtOnce(t *testing.T) {
	url := pgtest.New(t)
	var group sync.WaitGroup
	var from, to [8]int
	for i := range from {
		s := open(t, url)
		group.Go(func() {
			var err error
			if from[i], to[i], err = s.Migrate(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for i := range from {
		if to[i] != to[0] || from[i] > to[i] {
			t.Errorf("from %v to %v: the versions differ", from, to)
		}
	}
	applied, err := openMigrated(t, url).exec(t, `UPDATE schema_migrations SET name = name`)
	if err != nil || applied != int64(to[0]) || slices.Min(from[:]) != 0 {
		t.Errorf("%d steps were applied from %d, %v, want each of %d once", applied, slices.Min(from[:]), err, to[0])
	}
}

func TestCheckNamesWhatWeakensAppend(t *testing.T) {
	t.Parallel()
	durable := pgtest.StartServer(t, pgtest.Options{Durable: true})
	for url, want := range map[string][]string{
		durable.New(t, "sound"):                                 nil,
		durable.URL("sound") + "&synchronous_commit=off":        {"synchronous_commit"},
		pgtest.StartServer(t, pgtest.Options{}).URL("postgres"): {"fsync", "full_page_writes"},
	} {
		warnings, err := open(t, url).Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(warnings) != len(want) {
			t.Fatalf("warnings = %q, want %q", warnings, want)
		}
		for i, setting := range want {
			if !strings.HasPrefix(warnings[i], setting+" is off") {
				t.Errorf("warning = %q, want %s", warnings[i], setting)
			}
		}
	}
}

func TestReadOnlyServerIsUnavailable(t *testing.T) {
	url := pgtest.New(t)
	openMigrated(t, url)
	s := open(t, url+"&default_transaction_read_only=on")
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Ping = %v, want ErrUnavailable", err)
	}
	message := store.Message{Channel: "a", Time: time.UnixMilli(0)}
	if _, err := s.Append(t.Context(), store.Batch{Messages: []store.Message{message}}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Append = %v, want ErrUnavailable", err)
	}
}

func TestStatementThatTakesTooLongIsUnavailable(t *testing.T) {
	url := pgtest.New(t)
	holder := openMigrated(t, url)
	message := store.Message{Channel: "a", Time: time.UnixMilli(0)}
	batch := store.Batch{Messages: []store.Message{message}}
	if _, err := holder.Append(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	hasty, err := Open(t.Context(), url, Options{StatementTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hasty.Close() }()
	err = holder.transact(t.Context(), "test", func(ctx context.Context, tx pgx.Tx) error {
		if _, err := lockHead(ctx, tx, "a"); err != nil {
			return err
		}
		if _, err := hasty.Append(ctx, batch); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Append behind a held lock = %v, want ErrUnavailable", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTooManyConnectionsIsUnavailable(t *testing.T) {
	t.Parallel()
	server := pgtest.StartServer(t, pgtest.Options{Settings: map[string]string{"max_connections": "4", "superuser_reserved_connections": "0", "max_wal_senders": "0"}})
	var holders []*pgxpool.Conn
	s := open(t, server.URL("postgres"))
	var err error
	for range 5 {
		var conn *pgxpool.Conn
		if conn, err = s.pool.Acquire(t.Context()); err != nil {
			break
		}
		holders = append(holders, conn)
	}
	if err := describe("test", err, true); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error = %v, want ErrUnavailable", err)
	}
	for _, conn := range holders {
		conn.Release()
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping afterwards: %v", err)
	}
}
