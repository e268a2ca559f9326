package config

import (
	"cmp"
	"time"

	"pushgate/push"
)

// Engine is the configuration of the delivery engine, but for its logger and
// its registry.
func (f *Flags) Engine() push.Config {
	c := push.DefaultConfig()
	c.Node = f.Node
	c.Live = f.Live()
	c.MaxFrame = int(f.Limits.MaxFrame)
	c.OutboxBytes = int(f.Limits.OutboxBytes)
	c.OutboxMessages = f.Limits.OutboxMessages
	c.OutboxTotalBytes = cmp.Or(int(f.Limits.OutboxTotalBytes), c.OutboxTotalBytes)
	c.IdleAfter = time.Duration(f.Limits.Idle)
	c.RingMessages = f.Ring.Messages
	c.RingBytes = int(f.Ring.Bytes)
	c.RingTotalBytes = int(f.Ring.TotalBytes)
	c.RingIdle = time.Duration(f.Ring.Idle)
	c.Committers = f.Ingest.Committers
	c.IngestMessages = f.Ingest.Messages
	c.IngestBytes = int(f.Ingest.Bytes)
	c.StoreTimeout = time.Duration(f.Store.Timeout)
	c.SweepInterval = time.Duration(f.SweepInterval)
	c.RetentionInterval = time.Duration(f.RetentionInterval)
	c.Heartbeat = time.Duration(f.Heartbeat.Interval)
	return c
}

// Live is the part of it that can change while the engine runs.
func (f *Flags) Live() push.Live {
	l := push.Live{
		Namespaces:       push.Namespaces{ByName: map[string]push.Namespace{}},
		MaxPayload:       int(f.Limits.MaxPayload),
		WindowBytes:      int(f.Limits.WindowBytes),
		MaxSubscriptions: f.Limits.Subscriptions,
		ClientFrames:     f.Limits.ClientFrames,
		ClientBytes:      int(f.Limits.ClientBytes),
		ClientPatience:   time.Duration(f.Limits.ClientPatience),
		SlowRequest:      time.Duration(f.Limits.SlowRequest),
	}
	for _, n := range f.Namespaces {
		if n.Name == defaultNamespace {
			l.Namespaces.Default = n.engine()
		} else {
			l.Namespaces.ByName[n.Name] = n.engine()
		}
	}
	return l
}
