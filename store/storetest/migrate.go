package storetest

import (
	"sync"
	"testing"
)

// migrateAtOnce has all stores migrate the same database, and use it at once.
func migrateAtOnce(t *testing.T, stores []Store) {
	type versions struct{ from, to int }
	results := make([]versions, len(stores))
	var group sync.WaitGroup
	for i, s := range stores {
		group.Go(func() {
			var err error
			if results[i].from, results[i].to, err = s.Migrate(t.Context()); err != nil {
				t.Errorf("migrate: %v", err)
			}
			if err := s.Ping(t.Context()); err != nil {
				t.Errorf("ping after migrate: %v", err)
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	for _, got := range results {
		if got.to < 1 || got.to != results[0].to || got.from < 0 || got.from > got.to {
			t.Errorf("from %d to %d, another went to %d", got.from, got.to, results[0].to)
		}
	}
	f := newFixture(t, stores[0])
	from, to, err := f.store.Migrate(f.ctx)
	f.must(err)
	f.fill("a", 2)
	equal(f, "versions", versions{from, to}, versions{results[0].to, results[0].to})
	f.holds("a", 1, 2)
}
