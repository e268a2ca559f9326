package migrations

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Migration is one step of a schema.
type Migration struct {
	// Version counts from 1 without holes.
	Version int
	// Name is the rest of the file name, without the extension.
	Name string
	SQL  string
}

// Load reads all steps of dir in ascending order of their versions. It fails
// when a file is not named <version>_<name>.sql, or when the versions are not
// 1, 2, 3 …: a step that was lost in a merge must not pass unseen.
func Load(files fs.FS, dir string) ([]Migration, error) {
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	steps := make([]Migration, 0, len(entries))
	for _, entry := range entries {
		step, err := load(files, path.Join(dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		if step.Version != len(steps)+1 {
			return nil, fmt.Errorf("migration %s/%s: expected version %d", dir, entry.Name(), len(steps)+1)
		}
		steps = append(steps, step)
	}
	return steps, nil
}

func load(files fs.FS, file string) (Migration, error) {
	base, isSQL := strings.CutSuffix(path.Base(file), ".sql")
	digits, name, named := strings.Cut(base, "_")
	version, err := strconv.Atoi(digits)
	if !isSQL || !named || len(digits) != 4 || err != nil {
		return Migration{}, fmt.Errorf("migration %s: expected a name like 0001_start.sql", file)
	}
	text, err := fs.ReadFile(files, file)
	if err != nil {
		return Migration{}, fmt.Errorf("read migration: %w", err)
	}
	return Migration{Version: version, Name: name, SQL: string(text)}, nil
}
