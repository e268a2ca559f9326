package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pushgate/store"
	"pushgate/store/sqlite"
)

func migrated(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s := open(t, path, sqlite.Options{})
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpenCreatesForTheOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new folder", "50% of it?", "store #1.db")
	s := migrated(t, path)
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{
		path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600, path + ".lock": 0o600, filepath.Dir(path): os.ModeDir | 0o700,
	} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode(), want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "notes.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database\n", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", folder, text, filepath.Join(text, "below")} {
		if s, err := sqlite.Open(path, sqlite.Options{}); err == nil || s != nil {
			t.Errorf("Open(%q) = %v, %v", path, s, err)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("more than one line: %v", err)
		}
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	first := migrated(t, path)
	_, err := sqlite.Open(path, sqlite.Options{})
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "another process") || strings.Contains(err.Error(), "\n") {
		t.Fatalf("error = %v", err)
	}
	if err := first.Ping(t.Context()); err != nil {
		t.Fatalf("the refused one harmed the first: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	migrated(t, path)
}

func TestNotMigrated(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"), sqlite.Options{})
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrSchema) {
		t.Errorf("Ping = %v, want ErrSchema", err)
	}
	if _, err := s.Tails(t.Context(), []string{"a"}); !errors.Is(err, store.ErrSchema) {
		t.Errorf("Tails = %v, want ErrSchema", err)
	}
	from, to, err := s.Migrate(t.Context())
	if from != 0 || to < 1 || err != nil {
		t.Fatalf("Migrate = %d, %d, %v", from, to, err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDatabaseOfANewerProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	if err := migrated(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "PRAGMA user_version = 1000"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(path, sqlite.Options{}); !errors.Is(err, store.ErrSchema) {
		t.Fatalf("error = %v, want ErrSchema", err)
	}
}

func TestCheckWarnsWhenRelaxed(t *testing.T) {
	for relaxed, want := range map[bool]int{false: 0, true: 1} {
		s := open(t, filepath.Join(t.TempDir(), "store.db"), sqlite.Options{Relaxed: relaxed})
		warnings, err := s.Check(t.Context())
		if err != nil || len(warnings) != want {
			t.Errorf("relaxed %t: %q, %v", relaxed, warnings, err)
		}
	}
}

func TestReopenKeepsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := migrated(t, path)
	before := appendOne(t, s, "mine")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, sqlite.Options{})
	again := appendOne(t, s, "mine")
	if !again.Duplicate || again.Seq != before.Seq || again.Epoch != before.Epoch {
		t.Fatalf("appended %+v, after reopening %+v", before, again)
	}
	if next := appendOne(t, s, ""); next.Seq != before.Seq+1 || next.Epoch != before.Epoch {
		t.Fatalf("next = %+v", next)
	}
}

func appendOne(t *testing.T, s *sqlite.Store, id string) store.Appended {
	t.Helper()
	results, err := s.Append(t.Context(), store.Batch{Messages: []store.Message{
		{Channel: "a", ID: id, Data: []byte("x"), Time: time.Unix(1_700_000_000, 0)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return results[0]
}

// killedPath makes the test binary a process that appends until it is killed.
const killedPath = "PUSHGATE_TEST_SQLITE_APPEND"

func TestMain(m *testing.M) {
	if path := os.Getenv(killedPath); path != "" {
		appendForever(path)
	}
	os.Exit(m.Run())
}

func appendForever(path string) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		fail(err)
	}
	for {
		results, err := s.Append(context.Background(), store.Batch{Messages: []store.Message{{Channel: "a", Time: time.Unix(1_700_000_000, 0)}}})
		if err != nil {
			fail(err)
		}
		fmt.Println(results[0].Seq)
	}
}

func TestKilledProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	if err := migrated(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), killedPath+"="+path)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var answered uint64
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if _, err := fmt.Sscan(lines.Text(), &answered); err != nil {
			t.Fatal(err)
		}
		if answered == 20 {
			if _, err := sqlite.Open(path, sqlite.Options{}); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("while the other process runs: %v", err)
			}
			if err := command.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := command.Wait(); err == nil || answered < 20 {
		t.Fatalf("the process ended by itself after %d: %v", answered, err)
	}
	s := open(t, path, sqlite.Options{})
	tails, err := s.Tails(t.Context(), []string{"a"})
	if err != nil || tails[0].LastSeq < answered {
		t.Fatalf("answered up to %d, found %+v, %v", answered, tails, err)
	}
	if next := appendOne(t, s, ""); next.Seq != tails[0].LastSeq+1 {
		t.Fatalf("next = %+v after %+v", next, tails)
	}
}
