package systemd

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
)

// firstSocket is the file descriptor of the first socket that is passed.
const firstSocket = 3

// Sockets answers the listeners that the manager has opened for this process, by
// their names (FileDescriptorName=). Each of names may be among them, once, and
// no other. A second call finds none.
func Sockets(names ...string) (map[string]net.Listener, error) {
	pid, count, given := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	for _, variable := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		_ = os.Unsetenv(variable)
	}
	if pid != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("LISTEN_FDS is %q, not a number of sockets", count)
	}
	found := map[string]net.Listener{}
	for i, name := range strings.Split(given, ":")[:min(n, strings.Count(given, ":")+1)] {
		if !slices.Contains(names, name) || found[name] != nil {
			return nil, fmt.Errorf("the service manager passes a socket named %q; FileDescriptorName= has to be one of %s, each once", name, strings.Join(names, ", "))
		}
		l, err := inherit(firstSocket+i, name)
		if err != nil {
			return nil, err
		}
		found[name] = l
	}
	if len(found) < n {
		return nil, fmt.Errorf("the service manager passes %d sockets but names %d (%q); set FileDescriptorName=", n, len(found), given)
	}
	return found, nil
}

func inherit(fd int, name string) (net.Listener, error) {
	f := os.NewFile(uintptr(fd), name)
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("the socket %q of the service manager cannot be listened on; it has to be a ListenStream= with Accept=no: %w", name, err)
	}
	if unix, ok := l.(*net.UnixListener); ok {
		unix.SetUnlinkOnClose(false) // it stays the manager's
	}
	return l, f.Close()
}
