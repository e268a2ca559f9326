package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"
)

// listen opens the listener of a setting.
func listen(key, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	flag := "--" + strings.ReplaceAll(key, ".", "-")
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: %s is in use by another process; stop that, or choose another port by %s", key, address, flag)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s: this user may not listen on %s; choose a port from 1024 on by %s", key, address, flag)
	default:
		return nil, fmt.Errorf("%s: cannot listen on %s: %w; choose another address by %s", key, address, err, flag)
	}
}
