package sqlite

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"pushgate/store"
)

// owner holds the file whose handle nobody else may open meanwhile; see the
// other systems' owner.
type owner struct{ file *os.File }

const sharingViolation syscall.Errno = 32

func own(path string) (*owner, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, sharingViolation) {
		err = fmt.Errorf("%w: another process has it open (%s is locked)", store.ErrUnavailable, path)
	}
	if err != nil {
		return nil, err
	}
	return &owner{file: os.NewFile(uintptr(handle), path)}, nil
}

func (o *owner) release() error {
	if err := o.file.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// syncDirectory does nothing: the file system journals its names.
func syncDirectory(string) error { return nil }
