//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"pushgate/store"
)

// owner holds the lock that keeps a second process away from the database. The
// kernel gives it up when the process ends, however it ends. It is not on the
// database itself, because closing any handle of that would drop SQLite's locks.
type owner struct{ file *os.File }

func own(path string) (*owner, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%w: another process has it open (%s is locked)", store.ErrUnavailable, path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &owner{file: file}, nil
}

func (o *owner) release() error {
	if err := o.file.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// syncDirectory makes the names of new files survive a power cut.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
