//go:build unix

package listen_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pushgate/server/listen"
)

func open(t *testing.T, address string, o listen.Options) net.Listener {
	t.Helper()
	l, err := listen.Open(t.Context(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// accepted is a connection that a client made.
func accepted(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	client, err := new(net.Dialer).DialContext(t.Context(), l.Addr().Network(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func option(t *testing.T, c net.Conn, level, name int) (value int) {
	t.Helper()
	socket, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := socket.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, name) }); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// passed is a listener as a service manager hands it over.
func passed(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	inherited, err := net.FileListener(f)
	if err := errors.Join(err, l.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return inherited
}

func TestOptionsOfConnections(t *testing.T) {
	const size = 96 << 10
	for name, o := range map[string]listen.Options{
		"nothing": {}, "send buffer": {SendBuffer: size}, "keep-alive": {KeepAlive: time.Hour},
	} {
		adopted, err := listen.Adopt(passed(t), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = adopted.Close() })
		for kind, l := range map[string]net.Listener{"opened": open(t, "127.0.0.1:0", o), "adopted": adopted} {
			c := accepted(t, l)
			if option(t, c, unix.IPPROTO_TCP, unix.TCP_NODELAY) == 0 {
				t.Errorf("%s, %s: TCP_NODELAY is off", kind, name)
			}
			if on := option(t, c, unix.SOL_SOCKET, unix.SO_KEEPALIVE) != 0; on != (o.KeepAlive > 0) {
				t.Errorf("%s, %s: keep-alive %v", kind, name, on)
			}
			// Linux takes twice the size for its bookkeeping.
			if held := option(t, c, unix.SOL_SOCKET, unix.SO_SNDBUF); o.SendBuffer > 0 && held != size && held != 2*size {
				t.Errorf("%s, %s: the send buffer has %d bytes", kind, name, held)
			}
		}
	}
}

func TestReusePort(t *testing.T) {
	shared := listen.Options{ReusePort: true}
	first := open(t, "127.0.0.1:0", shared)
	address := first.Addr().String()
	open(t, address, shared)
	if _, err := listen.Open(t.Context(), address, listen.Options{}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v", err)
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	o := listen.Options{SocketMode: 0o620}
	l := open(t, "unix:"+path, o)
	accepted(t, l)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o620 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := listen.Open(t.Context(), "unix:"+path, o); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("two listen on one socket: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	open(t, "unix:"+path, o)
}

// What a process left behind that died is replaced; nothing else is.
func TestUnixSocketOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	other, err := new(net.ListenConfig).Listen(context.Background(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := listen.Open(t.Context(), "unix:"+path, listen.Options{}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a socket on which another listens: %v", err)
	}
	other.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	accepted(t, open(t, "unix:"+path, listen.Options{SocketMode: 0o600}))

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listen.Open(t.Context(), "unix:"+file, listen.Options{}); err == nil || !strings.Contains(err.Error(), "is there already and is no socket") {
		t.Errorf("got %v", err)
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "precious" {
		t.Errorf("the file is lost: %q, %v", content, err)
	}
}
