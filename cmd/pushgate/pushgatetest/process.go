package pushgatetest

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Patience is how long anything here is waited for before the test fails.
const Patience = 30 * time.Second

// Command is a run of the program.
type Command struct {
	Args []string
	// Env is added to the environment, without its PUSHGATE_ variables.
	Env []string
	// Dir is the working directory; a fresh one if it is "".
	Dir string
	In  io.Reader
	// Sockets are passed by their names, as systemd does.
	Sockets map[string]*os.File
	// Through is a command that runs the program, which is put behind it with its
	// arguments; empty: it is run as it is.
	Through []string
}

// Process is a run of the program under way, killed when the test ends.
type Process struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdout lines
	stderr buffer
	ended  chan struct{}
}

// hasty has a program with the race detector not wait a second before it exits.
const hasty = "GORACE=atexit_sleep_ms=0"

// Launch starts the program.
func Launch(t testing.TB, c Command) *Process {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	line := slices.Concat(c.Through, []string{path}, c.Args)
	p := &Process{t: t, cmd: exec.Command(line[0], line[1:]...), ended: make(chan struct{})}
	p.stdout.changed, p.stderr.changed = make(chan struct{}, 1), make(chan struct{}, 1)
	p.cmd.Dir, p.cmd.Stdin, p.cmd.Stderr = c.Dir, c.In, &p.stderr
	if len(c.Sockets) > 0 {
		passSockets(p.cmd, c.Sockets)
	}
	inherited := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PUSHGATE_") })
	p.cmd.Env = slices.Concat([]string{hasty}, inherited, p.cmd.Env, c.Env)
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.run(stdout)
	t.Cleanup(func() {
		p.Kill()
		if strings.Contains(p.Stderr(), "WARNING: DATA RACE") {
			t.Error("the program has a data race")
		}
		if t.Failed() {
			t.Logf("pushgate %s wrote to standard error:\n%s", strings.Join(c.Args, " "), p.Stderr())
		}
	})
	return p
}

// passSockets has a shell start the program: what it passes is for one process,
// whose number only that knows.
func passSockets(cmd *exec.Cmd, sockets map[string]*os.File) {
	names := slices.Sorted(maps.Keys(sockets))
	for _, name := range names {
		cmd.ExtraFiles = append(cmd.ExtraFiles, sockets[name])
	}
	cmd.Env = []string{fmt.Sprintf("LISTEN_FDS=%d", len(names)), "LISTEN_FDNAMES=" + strings.Join(names, ":")}
	shell := exec.Command("sh", append([]string{"-c", `LISTEN_PID=$$ exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)...)
	cmd.Path, cmd.Args, cmd.Err = shell.Path, shell.Args, shell.Err
}

// run reads the output and waits for the end.
func (p *Process) run(stdout io.Reader) {
	defer close(p.ended)
	scanner := bufio.NewScanner(stdout)
	scanner.Buffer(nil, 64<<20)
	for scanner.Scan() {
		p.stdout.add(scanner.Text())
	}
	_ = p.cmd.Wait()
}

// Line waits for the next line on standard output.
func (p *Process) Line() string {
	p.t.Helper()
	deadline := time.After(Patience)
	for ended := false; ; {
		if line, ok := p.stdout.next(); ok {
			return line
		}
		if ended {
			p.t.Fatalf("the output ended; standard error:\n%s", p.Stderr())
		}
		select {
		case <-p.stdout.changed:
		case <-p.ended:
			ended = true
		case <-deadline:
			p.t.Fatalf("no line after %s; standard error:\n%s", Patience, p.Stderr())
		}
	}
}

// Rest waits for the end and answers the lines that were not read yet.
func (p *Process) Rest() []string {
	p.t.Helper()
	p.Wait()
	var all []string
	for line, ok := p.stdout.next(); ok; line, ok = p.stdout.next() {
		all = append(all, line)
	}
	return all
}

// PID is its number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Stderr is what it has written to standard error so far.
func (p *Process) Stderr() string { return p.stderr.String() }

// WaitStderr waits until standard error contains text.
func (p *Process) WaitStderr(text string) {
	p.t.Helper()
	deadline := time.After(Patience)
	for !strings.Contains(p.Stderr(), text) {
		select {
		case <-p.stderr.changed:
		case <-deadline:
			p.t.Fatalf("standard error does not contain %q after %s:\n%s", text, Patience, p.Stderr())
		}
	}
}

// Wait waits for the end and answers the exit code, -1 after a signal.
func (p *Process) Wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(Patience):
		p.t.Fatalf("it has not ended after %s; standard error:\n%s", Patience, p.Stderr())
	}
	return p.cmd.ProcessState.ExitCode()
}

// Signal sends a signal, to a process that may have ended.
func (p *Process) Signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// Kill ends it at once, as kill -9 does.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// Result is how a run of the program ended.
type Result struct {
	Out, Err string
	Code     int
}

// Run runs the program to its end.
func Run(t testing.TB, c Command) Result {
	t.Helper()
	p := Launch(t, c)
	out := strings.Join(p.Rest(), "\n")
	return Result{Out: out, Err: p.Stderr(), Code: p.Wait()}
}
