package migrations_test

import (
	"testing"
	"testing/fstest"

	"pushgate/migrations"
)

func TestLoadInOrder(t *testing.T) {
	files := fstest.MapFS{
		"engine/0002_more.sql":  {Data: []byte("two")},
		"engine/0001_start.sql": {Data: []byte("one")},
	}
	steps, err := migrations.Load(files, "engine")
	if err != nil {
		t.Fatal(err)
	}
	want := []migrations.Migration{
		{Version: 1, Name: "start", SQL: "one"},
		{Version: 2, Name: "more", SQL: "two"},
	}
	if len(steps) != len(want) || steps[0] != want[0] || steps[1] != want[1] {
		t.Fatalf("steps = %+v, want %+v", steps, want)
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"no folder":      {},
		"a hole":         {"engine/0001_a.sql": {}, "engine/0003_b.sql": {}},
		"a doubled one":  {"engine/0001_a.sql": {}, "engine/0001_b.sql": {}},
		"not from 1":     {"engine/0002_a.sql": {}},
		"another file":   {"engine/README": {}},
		"no name":        {"engine/0001.sql": {}},
		"too few digits": {"engine/1_a.sql": {}},
		"letters":        {"engine/000x_a.sql": {}},
	} {
		t.Run(name, func(t *testing.T) {
			if steps, err := migrations.Load(files, "engine"); err == nil {
				t.Fatalf("loaded %+v", steps)
			}
		})
	}
}

func TestShippedMigrationsLoad(t *testing.T) {
	entries, err := migrations.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if steps, err := migrations.Load(migrations.Files, entry.Name()); err != nil || len(steps) == 0 {
			t.Errorf("%s: %d steps, %v", entry.Name(), len(steps), err)
		}
	}
}
