package config

import "runtime"

// epollHere: the system has epoll.
const epollHere = runtime.GOOS == "linux"

// Epoll says whether connections are waited for by epoll.
func (f *Flags) Epoll() bool {
	return f.HTTP.Poller == "epoll" || f.HTTP.Poller == "auto" && epollHere
}

func (f *Flags) checkPoller() error {
	if f.Epoll() && !epollHere {
		return f.problem("http.poller", "epoll is there on Linux only; leave it at auto")
	}
	return nil
}
