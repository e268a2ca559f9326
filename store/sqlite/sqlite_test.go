package sqlite_test

import (
	"path/filepath"
	"testing"

	"pushgate/store/sqlite"
	"pushgate/store/storetest"
)

func open(t testing.TB, path string, options sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(path, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store {
		return open(t, filepath.Join(t.TempDir(), "store.db"), sqlite.Options{Relaxed: true})
	})
}
