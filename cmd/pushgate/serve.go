package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"pushgate/cmd/pushgate/config"
)

type serveCommand struct {
	config.Flags `embed:""`
}

// Run runs a node until ctx ends.
func (c *serveCommand) Run(ctx context.Context, t terminal) error {
	if err := c.CheckExposure(); err != nil {
		return err
	}
	logger, err := newLogger(t.err, c.Log)
	if err != nil {
		return err
	}
	n, err := newNode(ctx, &c.Flags, logger)
	if err != nil {
		return interrupted(ctx, err, logger)
	}
	if _, err := fmt.Fprint(t.out, n.greeting()); err != nil {
		return errors.Join(err, n.shutdown(0, 0))
	}
	logger.Info("started", "version", programVersion(), "node", c.Node, "store", n.driver,
		"http", n.httpListener.Addr().String(), "grpc", n.grpcListener.Addr().String())
	failure := n.serve(ctx)
	if failure != nil {
		logger.Error("a listener failed; stopping", "error", failure)
		return errors.Join(failure, c.stop(n, 0))
	}
	logger.Info("stopping: connections are closed over shutdown.drain, after shutdown.delay; a second signal ends at once",
		"connections", n.connections(), "delay", c.Shutdown.Delay, "drain", c.Shutdown.Drain)
	return c.stop(n, time.Duration(c.Shutdown.Delay))
}

// interrupted turns what a signal broke off during the start into a good end.
func interrupted(ctx context.Context, err error, logger *slog.Logger) error {
	if ctx.Err() == nil {
		return err
	}
	logger.Info("stopped before it had started", "error", err)
	return nil
}

// stop ends the node in order, or gives up after shutdown.timeout.
func (c *serveCommand) stop(n *node, delay time.Duration) error {
	ended := make(chan error, 1)
	go func() { ended <- n.shutdown(delay, time.Duration(c.Shutdown.Drain)) }()
	select {
	case err := <-ended:
		return err
	// The calls under way are cut off at shutdown.timeout; this is for a store that hangs.
	case <-time.After(time.Duration(c.Shutdown.Timeout) + time.Duration(c.Store.Timeout)):
		return fmt.Errorf("the end did not come within shutdown.timeout (%s) and store.timeout (%s); leaving without", c.Shutdown.Timeout, c.Store.Timeout)
	}
}
