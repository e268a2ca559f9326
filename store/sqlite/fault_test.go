package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"pushgate/store"
)

func pragma(t *testing.T, s *Store, text string) {
	t.Helper()
	if err := s.writer.use(t.Context(), func(c *conn) error { return c.script("PRAGMA " + text) }); err != nil {
		t.Fatal(err)
	}
}

func openRelaxed(t *testing.T) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "store.db"), Options{Relaxed: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// A database that may not grow answers as a full disk does.
func TestDiskFull(t *testing.T) {
	s := openRelaxed(t)
	pragma(t, s, "max_page_count = 60")
	write := func() (uint64, error) {
		results, err := s.Append(t.Context(), store.Batch{Messages: []store.Message{
			{Channel: "a", Data: []byte("small"), Time: time.UnixMilli(0)},
			{Channel: "a", Data: bytes.Repeat([]byte("x"), 20_000), Time: time.UnixMilli(0)},
			{Channel: "b", Data: []byte("small"), Time: time.UnixMilli(0)},
		}})
		if err != nil {
			return 0, err
		}
		return results[1].Seq, nil
	}
	var stored uint64
	var err error
	for err == nil {
		var seq uint64
		if seq, err = write(); err == nil {
			stored = seq
		}
	}
	if !errors.Is(err, store.ErrUnavailable) || stored == 0 {
		t.Fatalf("after %d: %v", stored, err)
	}
	tails, err := s.Tails(t.Context(), []string{"a", "b"})
	if err != nil || tails[0].LastSeq != stored || tails[1].LastSeq != stored/2 {
		t.Fatalf("stored %d, tails %+v, %v", stored, tails, err)
	}
	pragma(t, s, "max_page_count = 10000")
	if seq, err := write(); err != nil || seq != stored+2 {
		t.Fatalf("seq %d after %d, %v", seq, stored, err)
	}
}

func TestFailedWriteLeavesNothing(t *testing.T) {
	s := openRelaxed(t)
	message := store.Message{Channel: "a", Data: []byte("x"), Time: time.UnixMilli(0)}
	fault := errors.New("a fault of the driver's own")
	err := s.write(t.Context(), "test", func(t *tx) error {
		if _, err := t.append(&message); err != nil {
			return err
		}
		return fault
	})
	if !errors.Is(err, fault) || errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("error = %v", err)
	}
	if _, err := s.Channel(t.Context(), "a"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("error = %v, want ErrNotFound", err)
	}
	results, err := s.Append(t.Context(), store.Batch{Messages: []store.Message{message}})
	if err != nil || results[0].Seq != 1 {
		t.Fatalf("%+v, %v", results, err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := cache{}
	for i := range maxCached {
		c[fmt.Sprint(i)] = channel{}
	}
	c.keep(map[string]*usedChannel{"new": {}, "0": {}})
	if len(c) > maxCached {
		t.Fatalf("%d entries", len(c))
	}
}

func TestPrefixEnd(t *testing.T) {
	for prefix, want := range map[string]string{"a": "b", "a\xff": "b", "a\xff\xff": "b", "\xfe\xff": "\xff", "\xff": "", "": ""} {
		end, ok := prefixEnd(prefix)
		if end != want || ok != (want != "") {
			t.Errorf("prefixEnd(%q) = %q, %t", prefix, end, ok)
		}
	}
}
