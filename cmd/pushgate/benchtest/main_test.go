//go:build linux

package benchtest

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"pushgate/cmd/pushgate/pushgatetest"
	"pushgate/store/postgres/pgtest"
)

var resultsFile = flag.String("results", "", "write the results to this file, as JSON")

// TestMain runs tests and benchmarks, or in a process of its own a reference.
func TestMain(m *testing.M) {
	if mode := os.Getenv(envReference); mode != "" {
		os.Exit(serveReference(mode))
	}
	os.Exit(pgtest.Around(func() int {
		code := pushgatetest.Around(m.Run)
		if err := results.publish(*resultsFile); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	}))
}
