package main

import (
	"cmp"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"pushgate/cmd/pushgate/config"
	"pushgate/cmd/pushgate/machine"
	"pushgate/server/admission"
	"pushgate/server/web"
)

// door is who gets in, and what for.
type door struct {
	capacity   admission.Capacity
	proxies    admission.Proxies
	gate       *admission.Gate
	handshakes *admission.Handshakes
	sockets    *admission.Sockets
	pressure   *admission.Pressure
	failures   *admission.Failures
}

// newDoor reckons what the machine holds and says so in the log.
func newDoor(f *config.Flags, logger *slog.Logger, registry *prometheus.Registry) (*door, error) {
	proxies, err := f.Proxies()
	if err != nil {
		return nil, err
	}
	m := admission.Machine{Files: machine.Files()}
	m.Memory, m.From = machine.Memory()
	capacity := admission.CapacityOf(m, need(f))
	limits := f.Admission(capacity)
	handshakes := cmp.Or(f.Limits.Handshakes, capacity.Handshakes)
	tell(logger, f, limits, handshakes, capacity)
	gate := admission.NewGate(limits, logger, registry)
	return &door{
		capacity: capacity, proxies: proxies, gate: gate,
		handshakes: admission.NewHandshakes(handshakes, gate, registry),
		sockets:    admission.NewSockets(capacity.Sockets, gate, registry),
		failures:   admission.NewFailures(freeFailures),
		pressure: admission.NewPressure(gate, admission.PressureOptions{
			Limit: m.Memory, High: f.Limits.MemoryHigh, Logger: logger, Registry: registry,
		}),
	}, nil
}

// freeFailures is how often an address may show bad credentials before it is slowed
// down.
const freeFailures = 20

// What a node needs beside its connections and what settings give to others.
const (
	ownMemory = 48 << 20
	ownFiles  = 256 // the store, backends that call by gRPC, brokers
)

func need(f *config.Flags) admission.Need {
	n := admission.Need{
		Memory: ownMemory + int64(f.Ring.TotalBytes) + int64(f.Ingest.Bytes), Files: ownFiles + f.Store.Connections,
		TLS: f.HTTP.TLSCertificate != "", Sockets: f.Limits.GRPCSockets,
	}
	if f.Admin.Address != "" {
		n.Files += web.OperatorSockets
	}
	if len(f.Kafka.Brokers) > 0 {
		n.Memory += int64(f.Kafka.Memory)
	}
	return n
}

func tell(logger *slog.Logger, f *config.Flags, limits admission.Limits, handshakes int, c admission.Capacity) {
	attributes := []any{"connections", limits.Connections, "rate", limits.Rate, "handshakes", handshakes, "grpc_sockets", c.Sockets,
		"queued", cmp.Or(int(f.Limits.OutboxTotalBytes), c.Queued)}
	switch {
	case f.Limits.Connections == 0:
		logger.Info("limits of connections, as the machine holds them", append(attributes, "because", c.Why)...)
	case c.Connections > 0 && limits.Connections > c.Connections:
		logger.Warn("limits.connections is more than the machine is reckoned to hold", append(attributes, "holds", c.Connections, "because", c.Why)...)
	default:
		logger.Info("limits of connections, as limits.connections says", append(attributes, "holds", c.Connections, "because", c.Why)...)
	}
}

// reload puts the limits of a new configuration in force.
func (d *door) reload(f *config.Flags) { d.gate.SetLimits(f.Admission(d.capacity)) }

// unready are the reasons of this for which the node should get nobody new. That
// it is full is none: it takes somebody for each who leaves.
func (d *door) unready() []string {
	if short := d.pressure.Short(); short != "" {
		return []string{short}
	}
	return nil
}
