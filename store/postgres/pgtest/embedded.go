package pgtest

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	embedded "github.com/fergusstrange/embedded-postgres"
)

// fetchBinaries downloads PostgreSQL into the user's cache once, and answers
// its bin directory.
func fetchBinaries() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	root := filepath.Join(cache, "pushgate-postgres")
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", err
	}
	unlock, err := lockFile(filepath.Join(root, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	programs := filepath.Join(root, string(embedded.V17))
	bin := filepath.Join(programs, "bin")
	if _, err := os.Stat(filepath.Join(bin, "initdb")); err == nil {
		return bin, nil
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	trial, err := os.MkdirTemp("", "pgt")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(trial) }()
	// The library offers no way to fetch alone: a start and a stop come with it.
	server := embedded.NewDatabase(embedded.DefaultConfig().Version(embedded.V17).Port(port).
		CachePath(filepath.Join(root, "archive")).BinariesPath(programs).
		RuntimePath(filepath.Join(trial, "run")).Logger(io.Discard))
	if err := server.Start(); err != nil {
		return "", fmt.Errorf("pgtest: fetch PostgreSQL: %w", err)
	}
	if err := server.Stop(); err != nil {
		return "", fmt.Errorf("pgtest: stop the fetched PostgreSQL: %w", err)
	}
	return bin, nil
}

func freePort() (uint32, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()
	return uint32(listener.Addr().(*net.TCPAddr).Port), nil
}
