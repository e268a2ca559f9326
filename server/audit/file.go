package audit

import (
	"fmt"
	"os"
	"sync"
	"syscall"
)

// File is a file that records are appended to. Safe for concurrent use.
type File struct {
	path   string
	failed func(error)

	mu      sync.Mutex
	file    *os.File
	failing bool
}

// OpenFile opens a file for appending. If it is new, only its owner may read it. failed
// is told of the first record that could not be written, and again after one that was.
func OpenFile(path string, failed func(error)) (*File, error) {
	f := &File{path: path, failed: failed}
	return f, f.Reopen()
}

// Reopen goes on in a new file if the old one was moved away.
func (f *File) Reopen() error {
	// Opening a pipe that nobody reads would wait for whoever does.
	next, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return fmt.Errorf("opening the audit log: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file != nil {
		_ = f.file.Close()
	}
	f.file = next
	return nil
}

// Write appends a record.
func (f *File) Write(record []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.file.Write(record)
	if err == nil {
		f.failing = false
		return n, nil
	}
	err = fmt.Errorf("writing the audit log: %w", err)
	if !f.failing {
		f.failing = true
		f.failed(err)
	}
	return n, err
}

// Close ends it.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Close()
}
