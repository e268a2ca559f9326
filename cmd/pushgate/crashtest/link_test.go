package crashtest

import (
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// link is the network between a node and its database. It can lose what the
// database answers: what the node asks for takes place, and it does not learn
// of it. Each connection gets one answer more, so that a transaction of two
// steps may come to its end.
type link struct {
	t        *testing.T
	listener net.Listener
	database string // the path of its socket
	running  sync.WaitGroup

	lock  sync.Mutex
	mute  bool
	conns map[net.Conn]bool
}

// newLink makes a link to the database at a URL, and answers the URL at its other end.
func newLink(t *testing.T, address string) (*link, string) {
	t.Helper()
	config, err := pgx.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{
		t: t, listener: listener, database: filepath.Join(config.Host, ".s.PGSQL.5432"), conns: make(map[net.Conn]bool),
	}
	l.running.Go(l.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		l.cut()
		l.running.Wait()
	})
	u := url.URL{Scheme: "postgres", User: url.User(config.User), Host: listener.Addr().String(), Path: "/" + config.Database, RawQuery: "sslmode=disable"}
	return l, u.String()
}

func (l *link) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("unix", l.database)
		if err != nil {
			_ = near.Close()
			continue
		}
		l.lock.Lock()
		l.conns[near], l.conns[far] = true, true
		l.lock.Unlock()
		l.running.Go(func() { l.carry(far, near, func() bool { return false }) })
		l.running.Go(func() { l.carry(near, far, l.losing()) })
	}
}

// carry copies one direction until it ends; then so does the other.
func (l *link) carry(to, from net.Conn, lost func() bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !lost() {
			_, _ = to.Write(buf[:n])
		}
		if err != nil {
			break
		}
	}
	_ = to.Close()
	_ = from.Close()
	l.lock.Lock()
	defer l.lock.Unlock()
	delete(l.conns, to)
	delete(l.conns, from)
}

// losing answers what is asked for each answer on one connection.
func (l *link) losing() (lost func() bool) {
	last := true
	return func() bool {
		l.lock.Lock()
		defer l.lock.Unlock()
		if !l.mute {
			last = true
			return false
		}
		lost := !last
		last = false
		return lost
	}
}

// lose begins to lose answers.
func (l *link) lose() {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.mute = true
}

// heal ends the connections that have lost something, and carries all from now on.
func (l *link) heal() {
	l.cut()
	l.lock.Lock()
	defer l.lock.Unlock()
	l.mute = false
}

func (l *link) cut() {
	l.lock.Lock()
	defer l.lock.Unlock()
	for c := range l.conns {
		_ = c.Close()
	}
}
