package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"pushgate/cmd/pushgate/config"
	"pushgate/cmd/pushgate/systemd"
	"pushgate/consumer"
	"pushgate/push"
	"pushgate/server/auth/caller"
	"pushgate/server/auth/token"
	"pushgate/server/rpc"
	"pushgate/server/web"
)

// node is everything that runs in a process of `pushgate serve`.
type node struct {
	flags     atomic.Pointer[config.Flags] // what applies; Reload replaces it
	reread    reread
	reloading sync.Mutex
	logger    *slog.Logger
	level     *slog.LevelVar

	audit    *auditing
	door     *door
	shown    *certificates
	database database
	driver   string
	engine   *push.Engine
	consumer *consumer.Consumer // nil: nothing is read from Kafka
	rpc      *rpc.Server
	web      *web.Server
	admin    *web.Operations // nil: it is on the HTTP listener, or nowhere
	verifier *token.Verifier // nil: clients need no tokens
	callers  *caller.Directory
	asked    *authorizing

	passed                     passedSockets
	httpListener, grpcListener net.Listener
	adminListener              net.Listener // nil: there is none
	// shared are those on which another process accepts too, or will.
	shared []net.Listener

	manager  systemd.Manager
	unwatch  func()
	drain    sync.Once
	draining chan struct{} // closed when the node is not ready any more
}

func newNode(f *config.Flags, again reread, passed passedSockets, record *auditing, logger *slog.Logger, level *slog.LevelVar) *node {
	n := &node{audit: record, reread: again, logger: logger, level: level, passed: passed, manager: systemd.Environment(), draining: make(chan struct{})}
	n.flags.Store(f)
	return n
}

// open opens the store, starts the engine and listens. After a failure nothing
// of it is left.
func (n *node) open(ctx context.Context) (err error) {
	f := n.flags.Load()
	if n.database, n.driver, err = openDatabase(ctx, f, n.logger); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.abandon())
		}
	}()
	if err := prepare(ctx, n.database, f, n.logger); err != nil {
		return err
	}
	if err := n.listen(ctx, f); err != nil {
		return err
	}
	return n.assemble(f)
}

// assemble makes the engine and its servers, and starts the engine.
func (n *node) assemble(f *config.Flags) (err error) {
	registry := newRegistry()
	if n.door, err = newDoor(f, n.logger, registry); err != nil {
		return err
	}
	if n.shown, err = openCertificates(f, n.logger, registry, n.audit.log); err != nil {
		return err
	}
	c := f.Engine()
	c.Logger, c.Registry = n.logger, registry
	c.OutboxTotalBytes = cmp.Or(int(f.Limits.OutboxTotalBytes), n.door.capacity.Queued)
	if n.engine, err = push.New(n.database, c); err != nil {
		return usageError{err.Error()}
	}
	into := ingest{
		engine: n.engine, database: n.database, timeout: time.Duration(f.Store.Timeout),
		slots: make(chan struct{}, ingestSlots),
	}
	if n.consumer, err = newConsumer(f, into, n.logger, registry); err != nil {
		return err
	}
	if n.verifier, err = newVerifier(f, n.logger, registry); err != nil {
		return err
	}
	if n.asked, err = newAuthorizing(f, n.logger, registry); err != nil {
		return err
	}
	n.web, err = web.New(n.engine, web.Options{
		Version:          programVersion(),
		Logger:           n.logger,
		Registry:         registry,
		MaxFrame:         int(f.Limits.MaxFrame),
		AllowedOrigins:   f.HTTP.AllowedOrigins,
		Secure:           f.HTTP.TLSCertificate != "",
		Operational:      f.OperationalHTTP(),
		Local:            config.Local(f.HTTP.Address),
		Pprof:            f.Pprof(),
		HandshakeTimeout: time.Duration(f.HTTP.HandshakeTimeout),
		MaxHeader:        int(f.HTTP.MaxHeader),

		EgressBytes: int(f.Limits.EgressBytes), EgressTotalBytes: int(f.Limits.EgressTotalBytes),
		HeartbeatInterval: time.Duration(f.Heartbeat.Interval),
		PongTimeout:       time.Duration(f.Heartbeat.Timeout),
		Compression:       f.Compression(),
		Epoll:             f.Epoll(),

		Tokens:     tokensOf(f, n.verifier, n.asked.of()),
		Consent:    n.asked.consent(),
		Failures:   n.door.failures,
		Audit:      n.audit.log,
		Gate:       n.door.gate,
		Proxies:    n.door.proxies,
		Handshakes: n.door.handshakes,
		Lost:       n.shown.http.Lost,
		Unready:    n.door.unready,
		Notes:      n.notes,
	})
	if err != nil {
		return err
	}
	if n.adminListener != nil {
		secret, err := f.AdminSecret()
		if err != nil {
			return err
		}
		n.admin = web.NewOperations(n.web, web.OperationsOptions{
			Registry: registry, Pprof: f.Pprof(), Secret: secret, Loopback: config.Loopback(f.Admin.Address),
			Failures: n.door.failures, Audit: n.audit.log, Gate: n.door.gate, Logger: n.logger,
		})
	}
	if n.callers, err = newDirectory(f, n.verifier, n.engine, n.door.failures, registry); err != nil {
		return err
	}
	n.rpc = rpc.New(n.engine, rpc.Options{
		Version:    programVersion(),
		Node:       f.Node,
		Driver:     n.driver,
		MaxMessage: int(f.GRPC.MaxMessage),
		Reflection: f.GRPC.Reflection,
		Process:    n,
		Gate:       n.door.gate,
		Sockets:    n.door.sockets,
		Callers:    n.callers,
		Audit:      n.audit.log,
		Secure:     n.shown.credentials(),
		Logger:     n.logger,
		Registry:   registry,
	})
	n.watchDrain(registry)
	n.engine.OnHealth(n.rpc.SetServing)
	n.engine.Start()
	if n.verifier != nil {
		n.verifier.Start()
	}
	n.door.pressure.Start(n.engine.MemoryShort)
	n.unwatch = n.reportLife()
	if n.consumer != nil {
		n.consumer.Start()
	}
	return nil
}

// notes are what /readyz says beside whether the node is ready.
func (n *node) notes() (all []string) {
	if n.verifier != nil {
		all = n.verifier.Health()
	}
	if n.consumer != nil {
		all = append(all, n.consumer.Health()...)
	}
	return all
}

// serve answers on both listeners until the node drains or one fails, and reloads
// the configuration at each hangup.
func (n *node) serve(ctx context.Context, hangups <-chan os.Signal) error {
	failed := make(chan error, 3)
	go func() { failed <- n.web.Serve(over(n.proxied(n.httpListener), n.shown.http)) }()
	go func() { failed <- n.rpc.Serve(n.grpcListener) }()
	if n.admin != nil {
		go func() { failed <- n.admin.Serve(over(n.adminListener, n.shown.admin)) }()
	}
	for {
		select {
		case err := <-failed:
			if n.isDraining() {
				return nil // its listener was closed
			}
			if err == nil {
				err = errors.New("it stopped by itself")
			}
			return err
		case <-hangups:
			_, _ = n.Reload()
		case <-ctx.Done():
			n.beginDrain()
			return nil
		case <-n.draining:
			return nil
		}
	}
}

// proxied is a listener for the PROXY protocol if it is to be one.
func (n *node) proxied(l net.Listener) net.Listener {
	h := n.flags.Load().HTTP
	if !h.ProxyProtocol {
		return l
	}
	return n.door.proxies.ProxyProtocol(l, time.Duration(h.HandshakeTimeout), n.door.gate)
}

// abandon gives back what a node holds that did not come to run.
func (n *node) abandon() error {
	n.shown.close()
	if n.web != nil {
		n.web.Close()
	}
	n.asked.close()
	var errs []error
	for _, l := range []net.Listener{n.httpListener, n.grpcListener, n.adminListener} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(append(errs, n.database.Close())...)
}
