package admission

import (
	"fmt"
	"runtime"
)

// Machine is what a process may take of its machine.
type Machine struct {
	// Memory is in bytes, 0 when it is not known. From says where it is from.
	Memory int64
	From   string
	// Files is how many may be open, 0 when there is no bound.
	Files int
}

// Need is what a node needs beside its connections.
type Need struct {
	Memory int64 // bytes
	Files  int
	// TLS: its WebSocket connections are encrypted, which takes memory for each.
	TLS bool
}

// Capacity is what a machine holds.
type Capacity struct {
	Connections int // 0: nobody knows
	Queued      int // bytes on their way to all connections
	Handshakes  int
	Rate        int    // new connections a second
	Why         string // in one line
}

const (
	// queuedMemory is what is reckoned to be on its way to one connection, in bytes.
	queuedMemory = 16 << 10
	// connectionMemory is what one connection is reckoned to take, in bytes: 9 KiB for
	// an idle one with a subscription where it has a goroutine, 6 KiB with epoll
	// (measured: make bench), 4 KiB for its socket in the kernel, something to spare,
	// and what is on its way to it.
	connectionMemory = 16<<10 + queuedMemory
	// tlsMemory is how much more it takes by TLS.
	tlsMemory = 16 << 10
	// leastQueued is enough for a node that does not know what it may take.
	leastQueued = 64 << 20
	// memoryShare is how much of the memory is given to connections and what else
	// a node needs, in percent.
	memoryShare = 80
	// coreRate is how many new connections a core takes in a second with something
	// to spare for those that are there.
	coreRate = 5000

	leastConnections = 100
	leastHandshakes  = 64
	mostHandshakes   = 8192
)

// CapacityOf reckons how much a machine holds.
func CapacityOf(m Machine, need Need) Capacity {
	c := Capacity{Handshakes: mostHandshakes, Rate: coreRate * runtime.GOMAXPROCS(0)}
	if m.Files > 0 {
		c.Handshakes = min(max(m.Files/8, leastHandshakes), mostHandshakes)
		files := max(m.Files-c.Handshakes-need.Files, leastConnections)
		c.Connections = files
		c.Why = fmt.Sprintf("open files: %d of %d", files, m.Files)
	}
	if m.Memory > 0 {
		each := int64(connectionMemory)
		if need.TLS {
			each += tlsMemory
		}
		memory := int(max((m.Memory*memoryShare/100-need.Memory)/each, leastConnections))
		if c.Connections == 0 || memory < c.Connections {
			c.Connections = memory
			c.Why = fmt.Sprintf("memory: %d MiB of %s", m.Memory>>20, m.From)
		}
	}
	c.Queued = max(c.Connections*queuedMemory, leastQueued)
	return c
}
