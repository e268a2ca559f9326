package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// untilSignal ends with the first signal that asks the process to end. The
// second one ends the process at once.
func untilSignal() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		s := <-signals
		_, _ = fmt.Fprintf(os.Stderr, "pushgate: %s again; ended at once\n", s)
		os.Exit(exitFailure)
	}()
	return ctx
}

// onHangup answers the signals that ask for the configuration to be reloaded, and
// what makes them end the process again.
func onHangup() (hangups <-chan os.Signal, ignore func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	return signals, func() { signal.Stop(signals) }
}
