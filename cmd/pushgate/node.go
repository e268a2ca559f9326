package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"pushgate/cmd/pushgate/config"
	"pushgate/consumer"
	"pushgate/push"
	"pushgate/server/rpc"
	"pushgate/server/web"
)

// node is everything that runs in a process of `pushgate serve`.
type node struct {
	flags  *config.Flags
	logger *slog.Logger

	database database
	driver   string
	engine   *push.Engine
	consumer *consumer.Consumer // nil: nothing is read from Kafka
	rpc      *rpc.Server
	web      *web.Server

	httpListener, grpcListener net.Listener

	drain    sync.Once
	draining chan struct{} // closed when the node is not ready any more
}

// newNode opens the store, starts the engine and listens.
func newNode(ctx context.Context, f *config.Flags, logger *slog.Logger) (_ *node, err error) {
	n := &node{flags: f, logger: logger, draining: make(chan struct{})}
	if n.database, n.driver, err = openDatabase(ctx, f, logger); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.abandon())
		}
	}()
	if err := prepare(ctx, n.database, f, logger); err != nil {
		return nil, err
	}
	if n.httpListener, err = listen("http.address", f.HTTP.Address); err != nil {
		return nil, err
	}
	if n.grpcListener, err = listen("grpc.address", f.GRPC.Address); err != nil {
		return nil, err
	}
	return n, n.assemble()
}

// assemble makes the engine and its servers, and starts the engine.
func (n *node) assemble() (err error) {
	registry := newRegistry()
	c := n.flags.Engine()
	c.Logger, c.Registry = n.logger, registry
	if n.engine, err = push.New(n.database, c); err != nil {
		return usageError{err.Error()}
	}
	into := ingest{
		engine: n.engine, database: n.database, timeout: time.Duration(n.flags.Store.Timeout),
		slots: make(chan struct{}, ingestSlots),
	}
	if n.consumer, err = newConsumer(n.flags, into, n.logger, registry); err != nil {
		return err
	}
	n.web, err = web.New(n.engine, web.Options{
		Version:          programVersion(),
		Logger:           n.logger,
		Registry:         registry,
		MaxFrame:         int(n.flags.Limits.MaxFrame),
		AllowedOrigins:   n.flags.HTTP.AllowedOrigins,
		Pprof:            n.flags.Pprof(),
		HandshakeTimeout: time.Duration(n.flags.HTTP.HandshakeTimeout),

		HeartbeatInterval: time.Duration(n.flags.Heartbeat.Interval),
		PongTimeout:       time.Duration(n.flags.Heartbeat.Timeout),

		Notes: n.notes,
	})
	if err != nil {
		return err
	}
	n.rpc = rpc.New(n.engine, rpc.Options{
		Version:    programVersion(),
		Node:       n.flags.Node,
		Driver:     n.driver,
		MaxMessage: int(n.flags.GRPC.MaxMessage),
		Reflection: n.flags.GRPC.Reflection,
		Process:    n,
		Logger:     n.logger,
		Registry:   registry,
	})
	n.watchDrain(registry)
	n.engine.OnHealth(n.rpc.SetServing)
	n.engine.Start()
	if n.consumer != nil {
		n.consumer.Start()
	}
	return nil
}

// notes are what /readyz says beside whether the node is ready.
func (n *node) notes() []string {
	if n.consumer == nil {
		return nil
	}
	return n.consumer.Health()
}

// serve answers on both listeners until the node drains or one fails.
func (n *node) serve(ctx context.Context) error {
	failed := make(chan error, 2)
	go func() { failed <- n.web.Serve(n.httpListener) }()
	go func() { failed <- n.rpc.Serve(n.grpcListener) }()
	select {
	case err := <-failed:
		if err == nil {
			err = errors.New("it stopped by itself")
		}
		return err
	case <-ctx.Done():
		n.beginDrain()
	case <-n.draining:
	}
	return nil
}

// abandon gives back what a node holds that did not come to run.
func (n *node) abandon() error {
	if n.web != nil {
		n.web.Close()
	}
	var errs []error
	for _, l := range []net.Listener{n.httpListener, n.grpcListener} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(append(errs, n.database.Close())...)
}
