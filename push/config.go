package push

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config holds the engine's settings. DefaultConfig fills all of them.
type Config struct {
	// Node names this process; connection ids begin with nothing of it, but
	// clients and operators see it.
	Node string
	Live // what applies at first

	MaxFrame  int // bytes of one client frame; told to clients
	Heartbeat time.Duration

	OutboxBytes      int           // queued for one connection
	OutboxMessages   int           // the same in messages
	OutboxTotalBytes int           // queued for all connections, what they share counted once
	IdleAfter        time.Duration // without traffic a connection is idle

	RingMessages   int           // newest messages kept in memory for one channel
	RingBytes      int           // the same in bytes of frames
	RingTotalBytes int           // over all channels
	RingIdle       time.Duration // a ring that nothing was put into for so long is emptied

	Committers     int // concurrent appends
	IngestMessages int // waiting for their commit
	IngestBytes    int

	StoreTimeout      time.Duration // of one call to the store
	SweepInterval     time.Duration
	RetentionInterval time.Duration

	Logger   *slog.Logger
	Registry prometheus.Registerer

	live *atomic.Pointer[Live] // what applies now

	// now is the wall clock, in whole milliseconds.
	now func() time.Time
}

// DefaultConfig holds the settings that fit most.
func DefaultConfig() Config {
	return Config{
		Node: "pushgate",
		Live: Live{
			Namespaces:       Namespaces{Default: DefaultNamespace()},
			MaxPayload:       1 << 20,
			WindowBytes:      4 << 20,
			MaxSubscriptions: 10_000,
			ClientFrames:     10_000,
			ClientBytes:      8 << 20,
			ClientPatience:   time.Minute,
			SlowRequest:      10 * time.Millisecond,
		},
		MaxFrame:          64 << 10,
		Heartbeat:         25 * time.Second,
		OutboxBytes:       1 << 20,
		OutboxMessages:    16 << 10,
		OutboxTotalBytes:  256 << 20,
		IdleAfter:         30 * time.Second,
		RingMessages:      256,
		RingBytes:         256 << 10,
		RingTotalBytes:    128 << 20,
		RingIdle:          time.Minute,
		Committers:        2,
		IngestMessages:    16_384,
		IngestBytes:       64 << 20,
		StoreTimeout:      5 * time.Second,
		SweepInterval:     time.Second,
		RetentionInterval: 10 * time.Second,
		Logger:            slog.New(slog.DiscardHandler),
		Registry:          prometheus.NewRegistry(),
	}
}

// Validate names the first setting that cannot be.
func (c Config) Validate() error {
	for _, positive := range []struct {
		name  string
		value int
	}{
		{"max_frame", c.MaxFrame}, {"outbox_bytes", c.OutboxBytes},
		{"outbox_messages", c.OutboxMessages}, {"outbox_total_bytes", c.OutboxTotalBytes}, {"idle_after", int(c.IdleAfter)},
		{"ring_messages", c.RingMessages}, {"ring_bytes", c.RingBytes}, {"ring_total_bytes", c.RingTotalBytes},
		{"committers", c.Committers}, {"ingest_messages", c.IngestMessages}, {"ingest_bytes", c.IngestBytes},
		{"store_timeout", int(c.StoreTimeout)}, {"sweep_interval", int(c.SweepInterval)},
		{"retention_interval", int(c.RetentionInterval)}, {"heartbeat", int(c.Heartbeat)},
	} {
		if positive.value < 1 {
			return fmt.Errorf("%s: must be positive", positive.name)
		}
	}
	if c.IngestBytes/c.Committers < c.MaxPayload {
		return fmt.Errorf("ingest_bytes: %d bytes for each of %d committers do not hold one payload of max_payload (%d)",
			c.IngestBytes/c.Committers, c.Committers, c.MaxPayload)
	}
	return c.Live.validate()
}
