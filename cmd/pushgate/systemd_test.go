package main_test

import (
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"pushgate/cmd/pushgate/pushgatetest"
)

// manager is systemd as far as a process sees it.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
	path string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &manager{t: t, conn: conn, path: path}
}

// told waits for a message that fits the pattern; signs of life may come before.
func (m *manager) told(pattern string) {
	m.t.Helper()
	if err := m.conn.SetReadDeadline(time.Now().Add(pushgatetest.Patience)); err != nil {
		m.t.Fatal(err)
	}
	for buf := make([]byte, 4096); ; {
		n, err := m.conn.Read(buf)
		if err != nil {
			m.t.Fatalf("waiting for %s: %v", pattern, err)
		}
		got := strings.ReplaceAll(string(buf[:n]), "\n", "; ")
		if regexp.MustCompile("^" + pattern + "$").MatchString(got) {
			return
		}
		if got != "WATCHDOG=1" {
			m.t.Errorf("got %q, want %s", got, pattern)
		}
	}
}

func TestTellsTheServiceManager(t *testing.T) {
	m := newManager(t)
	s := pushgatetest.Start(t, pushgatetest.Command{
		Args: []string{"--shutdown-delay=5s", "--shutdown-drain=0s", "--log-level=error"},
		Env:  []string{"NOTIFY_SOCKET=" + m.path, "WATCHDOG_USEC=20000"},
	})
	const serving = "READY=1; STATUS=serving HTTP on 127.0.0.1:[0-9]+, gRPC on 127.0.0.1:[0-9]+"
	m.told(serving)
	m.told("WATCHDOG=1")
	m.told("WATCHDOG=1")
	s.Signal(syscall.SIGHUP)
	m.told("RELOADING=1; MONOTONIC_USEC=[1-9][0-9]+")
	m.told(serving)
	s.Signal(syscall.SIGTERM)
	m.told("STOPPING=1; STATUS=draining")
	m.told("STATUS=draining: 0 connections left")
	m.told("WATCHDOG=1")
	s.Signal(syscall.SIGTERM)
	s.Wait()
}
