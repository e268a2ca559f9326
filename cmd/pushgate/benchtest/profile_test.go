//go:build linux

package benchtest

import (
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var profiles = flag.String("profiles", "", "write processor profiles of the measured nodes into this directory")

// profile takes a profile of a node of ours for a second, while a load runs, if
// that is wanted. The function it answers waits for it.
func (n *node) profile(tb testing.TB) (wait func()) {
	tb.Helper()
	if *profiles == "" || !n.ours {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		response, err := http.Get("http://" + n.http + "/debug/pprof/profile?seconds=1")
		if err != nil {
			tb.Error(err)
			return
		}
		defer func() { _ = response.Body.Close() }()
		content, err := io.ReadAll(response.Body)
		if err == nil {
			name := strings.NewReplacer("/", "-", ",", "", " ", "-").Replace(tb.Name())
			err = os.WriteFile(filepath.Join(*profiles, name+".pprof"), content, 0o644)
		}
		if err != nil {
			tb.Error(err)
		}
	}()
	return func() { <-done }
}
