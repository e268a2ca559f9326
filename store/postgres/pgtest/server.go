package pgtest

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// startTimeout bounds the wait for a server that starts or recovers.
const startTimeout = 60 * time.Second

// Options of a server of its own.
type Options struct {
	// Durable leaves fsync and full_page_writes on: what was committed
	// survives Kill, and commits cost what they cost in production.
	Durable bool
	// Settings are server parameters, name to value.
	Settings map[string]string
}

// Server is one PostgreSQL server with a unix socket only. Its methods are for
// one goroutine.
type Server struct {
	binaries  string
	account   *syscall.Credential
	directory *directory
	options   Options
	running   *process
}

// process is one life of the server.
type process struct {
	postmaster *os.Process
	exited     chan struct{} // closed when the postmaster was waited for
	family     *os.File      // at its end when all of the server's processes are gone
}

// StartServer starts a server that is removed when the test ends.
func StartServer(t testing.TB, options Options) *Server {
	t.Helper()
	server, err := newServer(options)
	if err != nil {
		unavailable(t, err)
	}
	t.Cleanup(server.remove)
	return server
}

// New creates an empty database on this server and answers its URL; the
// database goes with the server.
func (s *Server) New(t testing.TB, name string) string {
	t.Helper()
	if err := execute(s.URL("postgres"), "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		t.Fatalf("pgtest: create a database: %v", err)
	}
	return s.URL(name)
}

// URL is the address of a database on this server, whether it runs or not.
func (s *Server) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/" + database,
		RawQuery: url.Values{"host": {s.directory.path}}.Encode()}
	return u.String()
}

func newServer(options Options) (*Server, error) {
	binaries, err := findBinaries()
	if err != nil {
		return nil, err
	}
	s := &Server{binaries: binaries, options: options}
	if s.account, err = account(); err != nil {
		return nil, err
	}
	if s.directory, err = newDirectory(root(options.Durable)); err != nil {
		return nil, fmt.Errorf("pgtest: make a directory: %w", err)
	}
	if err := s.initialise(); err != nil {
		s.directory.remove()
		return nil, err
	}
	if err := s.start(); err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

func (s *Server) data() string { return filepath.Join(s.directory.path, "data") }

func (s *Server) initialise() error {
	if s.account != nil {
		if err := os.Chown(s.directory.path, int(s.account.Uid), int(s.account.Gid)); err != nil {
			return err
		}
	}
	output, err := s.command("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync").CombinedOutput()
	if err != nil {
		return fmt.Errorf("pgtest: initdb: %w: %s", err, output)
	}
	return nil
}

// Start starts a stopped server on the same data and socket, and returns when
// it takes connections.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// Stop shuts the server down in immediate mode: its clients are cut off, and
// the next Start recovers from the log. It returns when all processes are gone.
func (s *Server) Stop() { s.end(syscall.SIGQUIT) }

// Kill is Stop by kill -9 of the postmaster.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

func (s *Server) end(signal syscall.Signal) {
	if s.running == nil {
		return
	}
	_ = s.running.postmaster.Signal(signal)
	<-s.running.exited
	_, _ = io.Copy(io.Discard, s.running.family)
	_ = s.running.family.Close()
	s.running = nil
}

func (s *Server) remove() {
	s.end(syscall.SIGQUIT)
	s.directory.remove()
}

func (s *Server) start() error {
	if s.running != nil {
		return nil
	}
	family, inherited, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = inherited.Close() }()
	log, err := os.OpenFile(filepath.Join(s.directory.path, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	command := s.command("postgres", s.parameters()...)
	command.Stdout, command.Stderr = log, log
	command.ExtraFiles = []*os.File{inherited, s.directory.lock}
	dieWithParent(command.SysProcAttr)

	life := &process{exited: make(chan struct{}), family: family}
	started := make(chan error)
	go s.run(func() error {
		if err := command.Start(); err != nil {
			return err
		}
		life.postmaster = command.Process
		return nil
	}, started, func() { _ = command.Wait(); close(life.exited) })
	if err := <-started; err != nil {
		_ = family.Close()
		return fmt.Errorf("pgtest: start postgres: %w", err)
	}
	s.running = life
	if err := s.ready(); err != nil {
		s.Stop()
		output, _ := os.ReadFile(log.Name())
		return fmt.Errorf("pgtest: %w: %s", err, output)
	}
	return nil
}

// run starts and awaits the postmaster on one thread, which must outlive it:
// the kernel takes the end of that thread for the end of the parent.
func (s *Server) run(start func() error, started chan<- error, wait func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := start()
	started <- err
	if err == nil {
		wait()
	}
}

func (s *Server) parameters() []string {
	settings := map[string]string{"listen_addresses": "", "unix_socket_directories": s.directory.path, "max_connections": "200"}
	if !s.options.Durable {
		settings["fsync"], settings["full_page_writes"], settings["max_wal_size"] = "off", "off", "256MB"
	}
	maps.Copy(settings, s.options.Settings)
	arguments := []string{"-D", s.data()}
	for name, value := range settings {
		arguments = append(arguments, "-c", name+"="+value)
	}
	return arguments
}

// ready waits until the server takes connections.
func (s *Server) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-again.C:
		case <-s.running.exited:
			return fmt.Errorf("postgres ended while it started")
		case <-ctx.Done():
			return fmt.Errorf("postgres takes no connections: %w", err)
		}
	}
}
