package pgtest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) { Main(m) }

func TestNewGivesSeparateEmptyDatabases(t *testing.T) {
	t.Parallel()
	for range 2 {
		if err := execute(New(t), "CREATE TABLE here (id int)"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestServerKeepsWhatWasCommittedOverStopAndKill(t *testing.T) {
	t.Parallel()
	server := StartServer(t, Options{Durable: true})
	url := server.New(t, "kept")
	if err := execute(url, "CREATE TABLE here (id int)"); err != nil {
		t.Fatal(err)
	}
	for _, end := range []func(){server.Stop, server.Kill} {
		end()
		if err := execute(url, "SELECT 1"); err == nil {
			t.Fatal("the server answers although it was stopped")
		}
		server.Start(t)
		if err := execute(url, "INSERT INTO here VALUES (1)"); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var rows int
	if err := conn.QueryRow(context.Background(), "SELECT count(*) FROM here").Scan(&rows); err != nil || rows != 2 {
		t.Fatalf("%d rows, %v; want 2", rows, err)
	}
}

func TestSweepTakesOnlyDirectoriesThatNobodyHolds(t *testing.T) {
	t.Parallel()
	temporary := t.TempDir()
	held, err := newDirectory(temporary)
	if err != nil {
		t.Fatal(err)
	}
	defer held.remove()
	left, err := newDirectory(temporary)
	if err != nil {
		t.Fatal(err)
	}
	_ = left.lock.Close() // as the end of the process does
	fresh, err := newDirectory(temporary)
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.remove()
	if _, err := os.Stat(left.path); !os.IsNotExist(err) {
		t.Errorf("the abandoned directory is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(held.path, lockName)); err != nil {
		t.Errorf("a held directory was swept: %v", err)
	}
}
