package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by -ldflags "-X main.version=…".
var version string

type versionCommand struct{}

// Run prints what this program was built from.
func (versionCommand) Run(t terminal) error {
	_, err := fmt.Fprintf(t.out, "pushgate %s\n%s %s/%s\ncommit %s\n",
		programVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH, commit())
	return err
}

// programVersion is the version that was set, or else that of the module.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

// commit is the revision that Go noted at the build.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision, changed := "unknown", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = " (with changes)"
		}
	}
	return revision + changed
}
