// Package pgtest gives tests a real PostgreSQL without Docker.
//
// New hands out fresh databases on a server that the test process starts once,
// with fsync off; StartServer starts a server of its own that a test may stop,
// kill and start again. The programs come from, in this order: the server that
// PUSHGATE_TEST_POSTGRES names (a URL; New only), initdb on PATH, the newest
// /usr/lib/postgresql/*/bin, and binaries fetched by embedded-postgres (not as
// root). When there is none, the test is skipped with one line that says what
// to install, or fails with it when the variable CI is set.
//
// A server needs no cleaning up: the kernel stops it with the test process, and
// the next run sweeps the directory away. Main does both at once. Each running
// server keeps one goroutine, (*Server).run, which a leak check has to ignore.
package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// EnvURL names the environment variable with the URL of a server to use; its
// role must be allowed to create databases.
const EnvURL = "PUSHGATE_TEST_POSTGRES"

// Main runs a package's tests and then removes the shared server, if one was
// started. Use it as the whole body of TestMain.
func Main(m *testing.M) { os.Exit(Around(m.Run)) }

// Around is Main for a package that has more to do at its end: it answers the exit code.
func Around(tests func() int) int {
	defer shared.remove()
	return tests()
}

// New creates an empty database and answers its URL. The database is dropped
// when the test ends, whoever is still connected.
func New(t testing.TB) string {
	t.Helper()
	base := os.Getenv(EnvURL)
	if base == "" {
		server, err := shared.get()
		if err != nil {
			unavailable(t, err)
		}
		base = server.URL("postgres")
	}
	return createDatabase(t, base)
}

// sharedServer is the one server of the test process behind New.
type sharedServer struct {
	mu     sync.Mutex
	server *Server
	err    error
}

var shared sharedServer

func (s *sharedServer) get() (*Server, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil && s.err == nil {
		s.server, s.err = newServer(Options{})
	}
	return s.server, s.err
}

func (s *sharedServer) remove() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		s.server.remove()
	}
}

// unavailable ends the test for want of a server.
func unavailable(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
}

func createDatabase(t testing.TB, base string) string {
	t.Helper()
	name := "pushgate_test_" + strings.ToLower(rand.Text()[:12])
	if err := execute(base, "CREATE DATABASE "+name); err != nil {
		t.Fatalf("pgtest: create a database: %v", err)
	}
	t.Cleanup(func() {
		if err := execute(base, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("pgtest: drop the database: %v", err)
		}
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatalf("pgtest: %s is not a URL", EnvURL)
	}
	u.Path = "/" + name
	return u.String()
}

func execute(url, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}
