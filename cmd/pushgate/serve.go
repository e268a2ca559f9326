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

// Run runs a node until ctx ends or the node is asked to drain.
func (c *serveCommand) Run(ctx context.Context, t terminal, again reread) error {
	passed, err := findPassedSockets()
	if err != nil {
		return err
	}
	passed.inherit(&c.Flags)
	if err := c.CheckExposure(); err != nil {
		return err
	}
	if err := c.CheckKeys(); err != nil {
		return err
	}
	hangups, ignore := onHangup()
	defer ignore()
	logger, level, err := newLogger(t.err, c.Log)
	if err != nil {
		return err
	}
	record, err := openAudit(c.Log, t.err, logger)
	if err != nil {
		return err
	}
	defer record.close()
	n := newNode(&c.Flags, again, passed, record, logger, level)
	if err := n.open(ctx); err != nil {
		return interrupted(ctx, err, logger)
	}
	if _, err := fmt.Fprint(t.out, n.greeting()); err != nil {
		return errors.Join(err, n.shutdown(atOnce(c.Shutdown)))
	}
	about := []any{"version", programVersion(), "node", c.Node, "store", n.driver, "http", n.httpListener.Addr().String(), "grpc", n.grpcListener.Addr().String()}
	if n.adminListener != nil {
		about = append(about, "admin", n.adminListener.Addr().String())
	}
	logger.Info("started", about...)
	switch {
	case c.Admin.Address != "":
	case !c.OperationalHTTP():
		logger.Info("metrics, profiles and the reasons of /readyz are served nowhere; admin.address is for that")
	case c.ClientsShowThemselves():
		logger.Info("metrics are on http.address for this machine; a proxy on it would show them to everybody: set admin.address, or http.trusted_proxies")
	}
	record.log.Started(c.exposure()...)
	n.manager.Ready(n.status())
	failure := n.serve(ctx, hangups)
	how := n.flags.Load().Shutdown
	if failure != nil {
		logger.Error("a listener failed; stopping", "error", failure)
		how.Delay = 0
	} else {
		logger.Info("stopping: connections are closed over shutdown.drain, after shutdown.delay; a second signal ends at once",
			"connections", n.connections(), "delay", how.Delay, "drain", how.Drain)
	}
	return errors.Join(failure, n.stop(how, time.Duration(c.Store.Timeout)))
}

// atOnce is an end that waits for nobody.
func atOnce(s config.Shutdown) config.Shutdown {
	s.Delay, s.Drain = 0, 0
	return s
}

// interrupted turns what a signal broke off during the start into a good end.
func interrupted(ctx context.Context, err error, logger *slog.Logger) error {
	if ctx.Err() == nil {
		return err
	}
	logger.Info("stopped before it had started", "error", err)
	return nil
}

// stop shuts the node down, or gives up after shutdown.timeout.
func (n *node) stop(how config.Shutdown, storeTimeout time.Duration) error {
	ended := make(chan error, 1)
	go func() { ended <- n.shutdown(how) }()
	select {
	case err := <-ended:
		return err
	// The calls under way are cut off at shutdown.timeout; this is for a store that hangs.
	case <-time.After(time.Duration(how.Timeout) + storeTimeout):
		return fmt.Errorf("the end did not come within shutdown.timeout (%s) and store.timeout (%s); leaving without", how.Timeout, storeTimeout)
	}
}
