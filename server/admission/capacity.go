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
	// Sockets is how many of gRPC there may be; 0: as many as the machine holds. Files
	// has 128 of them.
	Sockets int
}

// Capacity is what a machine holds.
type Capacity struct {
	Connections int // 0: nobody knows
	Queued      int // bytes on their way to all connections
	Handshakes  int
	Sockets     int    // of gRPC
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

	// socketMemory is what a socket of gRPC is reckoned to take, in bytes: 20 KiB, 90 with
	// as many watches of health as there may be (measured: BenchmarkStrangers), and
	// something for other calls.
	socketMemory = 128 << 10
	// socketShare is which part of the files, and of the memory, sockets of gRPC may
	// take; what of the memory comes out of what is not given to connections.
	socketShare  = 16
	leastSockets = 128
	mostSockets  = 8192
)

// CapacityOf reckons how much a machine holds.
func CapacityOf(m Machine, need Need) Capacity {
	c := Capacity{Handshakes: mostHandshakes, Rate: coreRate * runtime.GOMAXPROCS(0), Sockets: socketsOf(m, need)}
	if m.Files > 0 {
		c.Handshakes = min(max(m.Files/8, leastHandshakes), mostHandshakes)
		files := max(m.Files-c.Handshakes-need.Files-max(c.Sockets-leastSockets, 0), leastConnections)
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

// socketsOf reckons how many sockets of gRPC there may be.
func socketsOf(m Machine, need Need) int {
	if need.Sockets > 0 {
		return need.Sockets
	}
	sockets := mostSockets
	if m.Files > 0 {
		sockets = min(sockets, m.Files/socketShare)
	}
	if m.Memory > 0 {
		sockets = min(sockets, int(m.Memory/socketShare/socketMemory))
	}
	return max(sockets, leastSockets)
}
