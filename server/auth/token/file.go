package token

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// maxFile bounds a file of keys, and the answer of a server.
const maxFile = 1 << 20

// fileInterval is how often files are looked at.
const fileInterval = 2 * time.Second

// file holds the keys of a file, which is read again when it has changed. One that
// cannot be read any more leaves the keys that were there.
type file struct {
	path   string
	parse  func([]byte) ([]key, error)
	logger *slog.Logger
	source source
	keys   atomic.Pointer[[]key]
	seen   stamp // the last look's
}

// stamp changes when a file does.
type stamp struct {
	info    os.FileInfo
	failure string
}

func (s stamp) same(as stamp) bool {
	if s.info == nil || as.info == nil {
		return s.info == nil && as.info == nil && s.failure == as.failure
	}
	return os.SameFile(s.info, as.info) && s.info.Size() == as.info.Size() && s.info.ModTime().Equal(as.info.ModTime())
}

// openFile reads a file for the first time.
func openFile(path string, parse func([]byte) ([]key, error), logger *slog.Logger, source source) (*file, error) {
	f := &file{path: path, parse: parse, logger: logger, source: source}
	f.seen = f.look()
	if err := f.read(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f.source.note(nil)
	return f, nil
}

func (f *file) look() stamp {
	info, err := os.Stat(f.path)
	if err != nil {
		return stamp{failure: reason(err).Error()}
	}
	return stamp{info: info}
}

func (f *file) read() error {
	in, err := os.Open(f.path)
	if err != nil {
		return reason(err)
	}
	defer func() { _ = in.Close() }()
	content, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return reason(err)
	}
	if len(content) > maxFile {
		return errors.New("it is larger than 1 MiB")
	}
	keys, err := f.parse(content)
	if err != nil {
		return err
	}
	f.keys.Store(&keys)
	return nil
}

// reason is what the operating system says, without the path.
func reason(err error) error {
	if failure, ok := errors.AsType[*os.PathError](err); ok {
		return failure.Err
	}
	return err
}

var errIrregular = errors.New("it is not a regular file")

// run reads the file whenever it has changed.
func (f *file) run(ctx context.Context) {
	tick := time.NewTicker(fileInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f.again()
		case <-ctx.Done():
			return
		}
	}
}

func (f *file) again() {
	seen := f.look()
	if seen.same(f.seen) {
		return
	}
	f.seen = seen
	err := errIrregular // opening a pipe would wait for whoever writes into it
	if seen.info == nil || seen.info.Mode().IsRegular() {
		err = f.read()
	}
	f.source.note(err)
	if err != nil {
		f.logger.Warn("a file of token keys cannot be used; those that were in it go on", "file", f.path, "error", err)
		return
	}
	f.logger.Info("token keys read again", "file", f.path, "keys", len(*f.keys.Load()))
}
