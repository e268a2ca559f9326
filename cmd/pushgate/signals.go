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
