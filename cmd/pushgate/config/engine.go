package config

import (
	"time"

	"pushgate/push"
)

// Engine is the configuration of the delivery engine, but for its logger and
// its registry.
func (f *Flags) Engine() push.Config {
	c := push.DefaultConfig()
	c.Node = f.Node
	c.Namespaces = push.Namespaces{ByName: map[string]push.Namespace{}}
	for _, n := range f.Namespaces {
		if n.Name == defaultNamespace {
			c.Namespaces.Default = n.engine()
		} else {
			c.Namespaces.ByName[n.Name] = n.engine()
		}
	}
	c.MaxPayload = int(f.Limits.MaxPayload)
	c.MaxFrame = int(f.Limits.MaxFrame)
	c.OutboxBytes = int(f.Limits.OutboxBytes)
	c.WindowBytes = int(f.Limits.WindowBytes)
	c.MaxSubscriptions = f.Limits.Subscriptions
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
