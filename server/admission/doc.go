// Package admission decides who gets in, before anything is done for a client.
//
// A Gate counts connections, in total, per address and per subscriber, and how
// many are new in a second; a Place is one connection's share of that. Refusals
// are counted and logged, and answered in the cheapest way.
// Proxies tell a client's address behind trusted proxies. Handshakes bounds the
// sockets that have not become connections yet, Sockets those of gRPC. Pressure
// closes the gate while memory is short. Capacity tells how many connections a
// machine holds.
//
// # Concurrency
//
// All methods may be called from any goroutine. A Gate has one lock, held for a
// few map operations and never while anything waits. Pressure owns the package's
// only goroutine, from Start to Stop.
package admission
