package pgtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

const lockName = "alive"

// directory is a server's place on disk. Its lock is held by the test process
// and, through the inherited file, by every process of the server: a directory
// whose lock can be had belongs to nobody any more.
type directory struct {
	path string
	lock *os.File
}

// sharedMemory is where a server that need not be durable creates databases
// ten times as fast as on a disk; it takes this many free bytes.
const (
	sharedMemory     = "/dev/shm"
	sharedMemoryFree = 2 << 30
)

// root answers where directories go, with a path short enough for a unix socket.
func root(durable bool) string {
	var file syscall.Statfs_t
	if !durable && syscall.Statfs(sharedMemory, &file) == nil && file.Bavail*uint64(file.Bsize) >= sharedMemoryFree {
		return sharedMemory
	}
	if temp := os.TempDir(); len(temp) <= 40 {
		return temp
	}
	return "/tmp"
}

// newDirectory sweeps what killed runs left, and makes a directory.
func newDirectory(root string) (*directory, error) {
	prefix := "pgt" + strconv.Itoa(os.Geteuid()) + "-"
	// Without this lock a sweep could come between a directory and its own lock.
	unlock, err := lockFile(filepath.Join(root, prefix+"lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := sweep(filepath.Join(root, prefix+"*")); err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(root, prefix)
	if err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	if err := os.Chmod(path, 0o755); err != nil {
		return nil, err
	}
	return &directory{path: path, lock: lock}, nil
}

func (d *directory) remove() {
	_ = os.RemoveAll(d.path)
	_ = d.lock.Close()
}

// sweep removes the directories that match and that nobody has locked.
func sweep(pattern string) error {
	left, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	for _, path := range left {
		if info, err := os.Lstat(path); err != nil || !info.IsDir() {
			continue
		}
		lock, err := os.Open(filepath.Join(path, lockName))
		if err != nil && !os.IsNotExist(err) {
			continue
		}
		if err == nil {
			busy := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
			_ = lock.Close()
			if busy {
				continue
			}
		}
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("sweep %s: %w", path, err)
		}
	}
	return nil
}

// lockFile waits for the exclusive lock of a file, which it creates if needed.
func lockFile(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { _ = file.Close() }, nil
}
