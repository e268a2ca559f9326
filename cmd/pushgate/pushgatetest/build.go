// Package pushgatetest runs the built program for tests: nodes that can be
// killed and started again, and client commands.
package pushgatetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// EnvRace names the variable that, when it is not empty, makes the program be
// built with the race detector, as it is when the tests themselves are.
const EnvRace = "PUSHGATE_TEST_RACE"

// program is the one binary of the test process.
var program struct {
	once sync.Once
	dir  string
	path string
	err  error
}

// Main builds the program, runs a package's tests and removes it. Use it as the
// whole body of TestMain.
func Main(m *testing.M) { os.Exit(Around(m.Run)) }

// Around is Main for a package that has more to do at its end: it answers the exit code.
func Around(tests func() int) int {
	defer func() { _ = os.RemoveAll(program.dir) }()
	if path, err := build(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
		return 1
	}
	return tests()
}

// Raced says whether the program has the race detector, which makes it slower
// and larger.
func Raced() bool { return underRace || os.Getenv(EnvRace) != "" }

// build answers the path of the program.
func build() (string, error) {
	program.once.Do(func() {
		if program.dir, program.err = os.MkdirTemp("", "pushgatetest"); program.err != nil {
			return
		}
		program.path = filepath.Join(program.dir, "pushgate")
		arguments := []string{"build", "-buildvcs=false", "-ldflags=-X main.version=test", "-o", program.path}
		if Raced() {
			arguments = append(arguments, "-race")
		}
		if out, err := exec.Command("go", append(arguments, "pushgate/cmd/pushgate")...).CombinedOutput(); err != nil {
			program.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	return program.path, program.err
}
