package pgtest

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

var errNoPostgres = errors.New("pgtest: no PostgreSQL: install it (Debian: apt-get install postgresql; macOS: brew install postgresql) or set " + EnvURL + " to the URL of a server")

// findBinaries answers the directory that holds initdb and postgres.
func findBinaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	installed, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(installed) > 0 {
		newest := slices.MaxFunc(installed, func(a, b string) int { return cmp.Compare(version(a), version(b)) })
		return filepath.Dir(newest), nil
	}
	if os.Geteuid() == 0 {
		return "", errNoPostgres
	}
	directory, err := fetchBinaries()
	if err != nil {
		return "", errors.Join(errNoPostgres, err)
	}
	return directory, nil
}

// version reads 15 out of /usr/lib/postgresql/15/bin/initdb, and 9.6 likewise.
func version(initdb string) float64 {
	number, err := strconv.ParseFloat(filepath.Base(filepath.Dir(filepath.Dir(initdb))), 64)
	if err != nil {
		return 0
	}
	return number
}
