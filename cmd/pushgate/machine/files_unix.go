//go:build unix

package machine

import "syscall"

// Files is how many files may be open; 0: there is no bound. Go has raised the
// soft limit to the hard one, less one, before main.
func Files() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > 1<<30 {
		return 0
	}
	return int(limit.Cur)
}
